import CNghttp2
import Foundation
import Gate
import RiskRules

/// What reads bytes that strangers wrote. A target takes any bytes whatever: that it comes back, and that what it promises of its
/// result holds, is all that is asked.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// The five bytes before a message, and what they say of the rest.
    case framing
    /// An order on the wire.
    case order
    /// A cancel on the wire.
    case cancel
    /// The endpoint's answer to an order.
    case answer
    /// An answer that passes and is read beside its way; the first byte says how it is cut.
    case passing
    case configuration
    case mapping
    /// A rule file, read, compiled, and its examples decided.
    case rules
    case price
    case account
    /// What another Gate says that it let through.
    case reserved
    /// A stop in Redis, and the files of stops and of what is unwound.
    case stop
    /// What a proxy puts before a connection's own bytes.
    case proxy
    /// What a client sends after its preface, watched as on a connection.
    case client
    /// What the endpoint sends.
    case upstream
    /// A journal that somebody else may have written.
    case journal
    /// A journal's files, as a crash or a person left them, to go on from.
    case recovery

    /// What no bytes may bring about.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Reads `bytes`; throws where a promise was not kept.
    package func run(_ bytes: UnsafeRawBufferPointer) throws {
        switch self {
        case .framing: try frame(bytes)
        case .order: try order(bytes)
        case .cancel: cancel(bytes)
        case .answer: answer(bytes)
        case .passing: try passing(bytes)
        case .configuration: configuration(bytes)
        case .mapping: mapping(bytes)
        case .rules: try rules(bytes)
        case .price: try price(bytes)
        case .account: account(bytes)
        case .reserved: try reserved(bytes)
        case .stop: try stop(bytes)
        case .proxy: try proxy(bytes)
        case .client: try client(bytes)
        case .upstream: try upstream(bytes)
        case .journal: try journal(bytes)
        case .recovery: try recovery(bytes)
        }
    }

    func require(_ holds: Bool, _ promise: String) throws {
        guard holds else { throw Failure(description: "\(rawValue): \(promise)") }
    }

    // MARK: The wire of orders

    /// Judging the stream as it grows says nothing that judging the whole of it takes back.
    private func frame(_ bytes: UnsafeRawBufferPointer) throws {
        let limits = GRPCFraming.Limits(maximumSize: 64, takesUnreadable: false)
        var refused: Reason?
        for end in 0...min(bytes.count, 80) {
            let failure = GRPCFraming.early(UnsafeRawBufferPointer(rebasing: bytes[..<end]), limits: limits)
            try require(refused == nil || failure != nil, "what was refused is taken back")
            refused = refused ?? failure?.reason
        }
        switch GRPCFraming.whole(bytes, limits: limits) {
        case .message(let message):
            try require(message.count + GRPCFraming.prefixSize == bytes.count, "bytes besides the message")
            try require(message.count <= 64, "a message above the limit")
            try require(refused == nil, "a message that was refused before")
        case .refused: break
        }
        _ = GRPCFraming.whole(bytes, limits: GRPCFraming.Limits(maximumSize: 64, takesUnreadable: true))
    }

    private func order(_ bytes: UnsafeRawBufferPointer) throws {
        let context = FuzzContext.shared
        guard case .order(let order) = context.orders.decodeOrder(method: 0, message: bytes, headers: context.headers)
        else { return }
        try require(order.quantity > .zero, "an order of no quantity")
        try require((1...64).contains(order.symbol.count), "a symbol of \(order.symbol.count) bytes")
        try require((1...64).contains(order.account.count), "an account of \(order.account.count) bytes")
        try require(order.price >= .zero && order.stopPrice >= .zero, "a negative price")
    }

    private func cancel(_ bytes: UnsafeRawBufferPointer) {
        let context = FuzzContext.shared
        _ = context.orders.decodeCancel(method: 1, message: bytes, headers: context.headers)
    }

    private func answer(_ bytes: UnsafeRawBufferPointer) {
        _ = FuzzContext.shared.answers.decode(method: 0, message: bytes)
    }

    /// What an answer in pieces shows is what it shows whole, and no more of it is kept than one message.
    private func passing(_ bytes: UnsafeRawBufferPointer) throws {
        guard let first = bytes.first else { return }
        let body = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
        let whole = try messages(of: body, cutAt: max(body.count, 1))
        try require(try messages(of: body, cutAt: Int(first) + 1) == whole, "it depends on how it is cut")
    }

    private func messages(of body: UnsafeRawBufferPointer, cutAt size: Int) throws -> [[UInt8]?] {
        let observer = FuzzContext.shared.observer
        var passing = PassingMessages()
        var gathered = ByteQueue()
        defer { gathered.deallocate() }
        var seen: [[UInt8]?] = []
        for start in stride(from: 0, to: body.count, by: size) {
            var piece = UnsafeRawBufferPointer(rebasing: body[start..<min(start + size, body.count)])
            while let found = passing.next(&piece, gathered: &gathered, limit: 1024) {
                guard case .message(let message) = found else {
                    seen.append(nil)
                    continue
                }
                seen.append(Array(message))
                for index in 0..<(observer.decodeEach(method: 3, message: message) ?? 0) {
                    _ = observer.item(index, method: 3)
                }
            }
            try require(gathered.count <= 1024, "\(gathered.count) bytes are kept")
        }
        return seen
    }

    // MARK: Files

    private func configuration(_ bytes: UnsafeRawBufferPointer) {
        _ = ConfigurationReader.read(file: "gate.yaml", environment: [:], hostName: "host") { _ in Array(bytes) }
    }

    private func mapping(_ bytes: UnsafeRawBufferPointer) {
        let log = ProblemLog()
        guard let mapping = OrderMappingReader.read(Array(bytes), file: "orders.yaml", into: log) else { return }
        _ = OrderMappingCompiler.compile(mapping, descriptors: FuzzContext.shared.descriptors, into: log)
    }

    private func rules(_ bytes: UnsafeRawBufferPointer) throws {
        let log = ProblemLog()
        guard let document = RuleFileReader.read(Array(bytes), file: "rules.yaml", into: log) else {
            try require(!log.isEmpty, "a file refused without a word")
            return
        }
        guard log.isEmpty else { return }
        switch RuleCompiler.compile([document], version: "fuzz") {
        case .success(let ruleSet): try require(!ruleSet.rules.isEmpty, "a set without a rule")
        case .failure(let failure): try require(!failure.problems.isEmpty, "a set refused without a word")
        }
    }

    // MARK: HTTP/2

    /// A header that has come whole is what it was when it came in two pieces, and stays within its bound.
    private func proxy(_ bytes: UnsafeRawBufferPointer) throws {
        let whole = ProxyHeader.parse(bytes)
        if case .header(let length, _) = whole {
            try require(length <= min(bytes.count, ProxyHeader.longestHeader), "a header of \(length) bytes")
            let alone = UnsafeRawBufferPointer(rebasing: bytes[..<length])
            try require(ProxyHeader.parse(alone) == whole, "a header that depends on what follows it")
            for end in 0..<length {
                let part = ProxyHeader.parse(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
                try require(part == .incomplete, "the beginning of a header refused, or taken for whole")
            }
        }
        try require(whole != .incomplete || bytes.count < ProxyHeader.longestHeader, "more is waited for without end")
    }

    private func client(_ bytes: UnsafeRawBufferPointer) throws {
        let peer = FuzzPeer()
        let session = try HTTP2Session(
            role: .server,
            settings: HTTP2Settings(maximumConcurrentStreams: 10, streamWindow: 65_535, connectionWindow: 65_535))
        session.serve(peer)
        peer.session = session
        let frames = FrameGuard(HTTP2Limits(), now: 0)
        let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        try preface.withUnsafeBytes { bytes in
            _ = frames.follow(bytes, now: 0)
            try session.receive(bytes)
        }
        let verdict = frames.follow(bytes, now: 0)
        try require(verdict.count <= bytes.count, "more let through than came")
        try talk(session, UnsafeRawBufferPointer(rebasing: bytes[..<verdict.count]))
    }

    private func upstream(_ bytes: UnsafeRawBufferPointer) throws {
        let peer = FuzzPeer()
        let session = try HTTP2Session(
            role: .client,
            settings: HTTP2Settings(maximumConcurrentStreams: 0, streamWindow: 65_535, connectionWindow: 65_535))
        session.serve(peer)
        peer.session = session
        for _ in 0..<3 { peer.submitRequest() }
        try session.pump()
        session.output.pointee.drop(session.output.pointee.count)
        try talk(session, bytes)
    }

    /// In two pieces, so that a frame may be cut.
    private func talk(_ session: HTTP2Session, _ bytes: UnsafeRawBufferPointer) throws {
        let middle = bytes.count / 2
        for piece in [bytes[..<middle], bytes[middle...]] {
            do {
                try session.receive(UnsafeRawBufferPointer(rebasing: piece))
                try session.pump()
            } catch {
                try? session.pump()
                break
            }
        }
        try require(
            session.output.pointee.count < 1 << 20, "\(session.output.pointee.count) bytes in answer to \(bytes.count)")
    }
}
