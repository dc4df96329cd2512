import CLinux
import CNghttp2
import Glibc

/// What became of a unary call.
package enum GRPCResult: Equatable, Sendable {
    /// The answer is whole.
    case answered(GRPCAnswer)
    /// Nothing of the call was sent: why.
    case unsent(String)
    /// It was sent, and there is no answer: why.
    case lost(String)
}

/// The answer to a unary call.
package struct GRPCAnswer: Equatable, Sendable {
    /// nil: not there, or not a number.
    package var status: UInt32?
    /// `grpc-message`, as it stands on the wire.
    package var words = ""
    /// `x-gate-reason`: why Gate refused the call; nil: it did not.
    package var gateReason: String?
    /// The one message, without its prefix; nil: none, more than one, or too large.
    package var message: [UInt8]?
}

/// A client for unary gRPC calls over one connected socket, on an event loop. It tries nothing twice and opens no other
/// connection: what it cannot say it says to `finished`.
final class GRPCClient: HTTP2Connection {
    private struct Call {
        var number: UInt64
        var request = ByteQueue()
        var answer = GRPCAnswer()
        var body = ByteQueue()
        var isWhole = false
        var isOversized = false
        var timer = TimerID.none
    }

    /// Hears the number and the result of each call, once, and never inside `call`.
    private let finished: (UInt64, GRPCResult) -> Void
    private let ended: (GRPCClient) -> Void
    private var calls: [Int32: Call] = [:]

    /// The largest answer that is read.
    private static let answerLimit = 65_536
    /// How much longer than its deadline a call waits for the answer to say so.
    private static let patience: Int64 = 1_000_000_000

    /// Takes over a connected socket. `ended` is called when the connection has closed.
    init(
        owning descriptor: Int32, loop: EventLoop, scratch: UnsafeMutableRawBufferPointer,
        finished: @escaping (UInt64, GRPCResult) -> Void, ended: @escaping (GRPCClient) -> Void
    ) throws {
        self.finished = finished
        self.ended = ended
        let session = try Self.prepare(for: descriptor) {
            try HTTP2Session(
                role: .client,
                settings: HTTP2Settings(maximumConcurrentStreams: 0, streamWindow: 65_536, connectionWindow: 1_048_576))
        }
        super.init(owning: descriptor, loop: loop, scratch: scratch, session: session, tls: nil)
        try watch(EPOLLIN.rawValue)
    }

    deinit {
        for call in calls.values { Self.free(call) }
    }

    /// Begins a call, which leaves with the next `flush`. False: the connection takes no more.
    /// - Parameter timeout: nanoseconds.
    func call(_ number: UInt64, _ request: OrderEncoder.Call, timeout: Int64) -> Bool {
        guard !isClosed, nghttp2_session_check_request_allowed(session.raw) != 0 else { return false }
        var call = Call(number: number)
        _ = Self.prefix(of: request.message).withUnsafeBytes { call.request.append($0, limit: .max) }
        _ = request.message.withUnsafeBytes { call.request.append($0, limit: .max) }
        var fields: [(String, String)] = [
            (":method", "POST"), (":scheme", "http"), (":path", request.path), (":authority", "gate"),
            ("content-type", "application/grpc"), ("te", "trailers"),
            ("grpc-timeout", "\(timeout / 1_000_000)m"), ("user-agent", "gate-unwind"),
        ]
        fields += request.headers.map { ($0.name, $0.value) }
        var source = dataSource
        let stream = Self.withFields(fields) {
            nghttp2_submit_request(session.raw, nil, $0.baseAddress, $0.count, &source, nil)
        }
        guard stream > 0 else {
            Self.free(call)
            return false
        }
        let (due, overflow) = loop.now.addingReportingOverflow(timeout)
        call.timer = loop.schedule(
            at: overflow ? .max : due + Self.patience, target: self, context: UInt64(stream))
        calls[stream] = call
        isDirty = true
        return true
    }

    /// The length prefix of a message that is not compressed.
    private static func prefix(of message: [UInt8]) -> [UInt8] {
        let count = UInt32(message.count)
        return [0] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) }
    }

    /// Fields for libnghttp2, which copies them.
    private static func withFields<Result>(
        _ fields: [(String, String)], _ body: (UnsafeBufferPointer<nghttp2_nv>) -> Result
    ) -> Result {
        var bytes = fields.flatMap { Array($0.0.utf8) + Array($0.1.utf8) }
        return bytes.withUnsafeMutableBufferPointer { bytes in
            var next = bytes.baseAddress
            let values = fields.map { name, value in
                let (nameCount, valueCount) = (name.utf8.count, value.utf8.count)
                defer { next = next.map { $0 + nameCount + valueCount } }
                return nghttp2_nv(
                    name: next, value: next.map { $0 + nameCount }, namelen: nameCount, valuelen: valueCount,
                    flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue))
            }
            return values.withUnsafeBufferPointer(body)
        }
    }

    // MARK: The end of a call

    private func finish(_ stream: Int32, _ result: GRPCResult) {
        guard let call = calls.removeValue(forKey: stream) else { return }
        loop.cancel(call.timer)
        Self.free(call)
        finished(call.number, result)
    }

    private static func free(_ call: Call) {
        var call = call
        call.request.deallocate()
        call.body.deallocate()
    }

    /// The answer came in time or not at all; Gate has said so before, of whatever it had sent on.
    override func fired(_ context: UInt64) {
        let stream = Int32(truncatingIfNeeded: context)
        guard calls[stream] != nil else { return }
        let result = lost(stream, "no answer within its time")
        session.withdraw(stream: stream)
        isDirty = true
        finish(stream, result)
    }

    /// What a call without an answer comes to.
    private func lost(_ stream: Int32, _ reason: String) -> GRPCResult {
        session.isOpen(stream: stream) ? .lost(reason) : .unsent(reason)
    }

    override func closed() {
        for stream in calls.keys.sorted() { finish(stream, lost(stream, "the connection ended")) }
        ended(self)
    }

    override package func streamClosed(stream: Int32, code: UInt32, data: StreamData) {
        guard let call = calls[stream] else { return }
        if call.isWhole {
            var answer = call.answer
            if !call.isOversized { answer.message = Self.message(in: call.body.bytes) }
            finish(stream, .answered(answer))
        } else if code == NGHTTP2_REFUSED_STREAM.rawValue {
            finish(stream, .unsent("the call was refused unread"))
        } else {
            finish(stream, .lost("the call was reset (HTTP/2 error \(code))"))
        }
    }

    private static func message(in body: UnsafeRawBufferPointer) -> [UInt8]? {
        let limits = GRPCFraming.Limits(maximumSize: answerLimit, takesUnreadable: false)
        guard case .message(let message) = GRPCFraming.whole(body, limits: limits) else { return nil }
        return Array(message)
    }

    // MARK: The socket

    override func ready(_ events: UInt32) {
        if events & EPOLLOUT.rawValue != 0 { writeAvailable() }
        if !isClosed, events & (EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { readAvailable() }
    }

    override func becameDirty() { isDirty = true }

    // MARK: The session

    override package func header(
        stream: Int32, category: nghttp2_headers_category, name: OpaquePointer, value: OpaquePointer, flags: UInt8,
        data: StreamData
    ) -> Bool {
        guard calls[stream] != nil else { return true }
        let text = Self.text(value)
        switch Self.text(name) {
        case "grpc-status": calls[stream]?.answer.status = UInt32(text)
        case "grpc-message": calls[stream]?.answer.words = String(text.prefix(Self.wordsLimit))
        case "x-gate-reason": calls[stream]?.answer.gateReason = text
        default: break
        }
        return true
    }

    private static let wordsLimit = 256

    private static func text(_ buffer: OpaquePointer) -> String {
        let bytes = nghttp2_rcbuf_get_buf(buffer)
        return String(decoding: UnsafeBufferPointer(start: bytes.base, count: bytes.len), as: UTF8.self)
    }

    override package func headersEnded(
        stream: Int32, category: nghttp2_headers_category, endsStream: Bool, data: StreamData
    ) {
        if endsStream { calls[stream]?.isWhole = true }
    }

    override package func streamEnded(stream: Int32, data: StreamData) { calls[stream]?.isWhole = true }

    override package func dataReceived(stream: Int32, bytes: UnsafeRawBufferPointer, data: StreamData) {
        session.consume(stream: stream, bytes.count)
        if calls[stream]?.body.append(bytes, limit: Self.answerLimit) == false { calls[stream]?.isOversized = true }
    }

    override package func dataWanted(stream: Int32, room: UnsafeMutableRawBufferPointer, data: StreamData) -> Data? {
        let count = calls[stream]?.request.take(into: room) ?? 0
        return Data(count: count, ended: calls[stream]?.request.isEmpty ?? true, trailersFollow: false)
    }
}
