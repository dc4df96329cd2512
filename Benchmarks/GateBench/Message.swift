import CLinux

/// A gRPC message of fixed length, framed, with a counter written into it as hexadecimal text, so that every order and
/// every answer has an id of its own and nothing is built anew.
struct Message {
    private let bytes: UnsafeMutableRawBufferPointer
    private let digits: Int

    static let digitCount = 12

    /// `payload` is the protobuf message; the twelve bytes from `digits` on are where the counter is written.
    private init(payload: [UInt8], digits: Int) {
        bytes = .allocate(byteCount: 5 + payload.count, alignment: 8)
        bytes[0] = 0
        bytes.storeBytes(of: UInt32(payload.count).bigEndian, toByteOffset: 1, as: UInt32.self)
        UnsafeMutableRawBufferPointer(rebasing: bytes[5...]).copyBytes(from: payload)
        self.digits = 5 + digits
    }

    var count: Int { bytes.count }

    /// Writes the message with the id `number` to `destination`, which has room for `count` bytes.
    func write(number: UInt64, to destination: UnsafeMutablePointer<UInt8>) {
        UnsafeMutableRawPointer(destination).copyMemory(
            from: UnsafeRawPointer(bytes.baseAddress ?? .init(destination)), byteCount: bytes.count)
        var rest = number
        for index in stride(from: Message.digitCount - 1, through: 0, by: -1) {
            let digit = UInt8(truncatingIfNeeded: rest & 15)
            destination[digits + index] = digit < 10 ? 48 + digit : 87 + digit
            rest >>= 4
        }
    }
}

extension Message {
    static let orderPath = "/order.OrderService/CreateOrder"
    static let cancelPath = "/order.OrderService/CancelOrder"

    /// `order.CreateOrderRequest`: a limit order to buy 0.001, good till cancelled. Client order ids differ from run to run.
    static func order(_ options: OrderOptions) -> Message {
        let run = "b\(String(UInt64(gate_realtime_ns()) / 1_000_000, radix: 36))-"
        var payload: [UInt8] = []
        payload.appendText(1, options.symbol)
        payload.appendVarint(2, 1)  // BUY
        payload.appendVarint(3, 2)  // LIMIT
        payload.appendDouble(4, 0.001)
        payload.appendDouble(5, options.price)
        payload.appendVarint(7, 1)  // GTC
        payload.appendText(8, run + String(repeating: "0", count: digitCount))
        let digits = payload.count - digitCount
        payload.appendText(11, options.account)
        return Message(payload: payload, digits: digits)
    }

    /// `order.CancelOrderRequest` for an order of the id that the endpoint answered with.
    static func cancel(_ options: OrderOptions) -> Message {
        var payload: [UInt8] = []
        payload.appendText(1, orderID)
        let digits = payload.count - digitCount
        payload.appendText(2, options.symbol)
        return Message(payload: payload, digits: digits)
    }

    /// `order.CreateOrderResponse`: accepted, state NEW, with an order id. Read as a `CancelOrderResponse`, whose third
    /// field is its time, it is an acknowledgement, so that calls need not be told apart.
    static func accepted() -> Message {
        var payload: [UInt8] = []
        payload.appendText(1, orderID)
        let digits = payload.count - digitCount
        payload.appendVarint(3, 1)  // NEW
        return Message(payload: payload, digits: digits)
    }

    private static let orderID = "bench-" + String(repeating: "0", count: digitCount)
}

extension [UInt8] {
    fileprivate mutating func appendVarint(_ field: UInt8, _ value: UInt64) {
        append(field << 3)
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    fileprivate mutating func appendDouble(_ field: UInt8, _ value: Double) {
        append(field << 3 | 1)
        Swift.withUnsafeBytes(of: value.bitPattern.littleEndian) { append(contentsOf: $0) }
    }

    /// At most 127 bytes, whose length is one byte.
    fileprivate mutating func appendText(_ field: UInt8, _ text: String) {
        append(field << 3 | 2)
        append(UInt8(text.utf8.count))
        append(contentsOf: text.utf8)
    }
}
