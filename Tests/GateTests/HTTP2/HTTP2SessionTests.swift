import CNghttp2
import Gate
import Glibc
import Testing

/// Two sessions of ours talk to each other in memory: no socket, no clock.
@Suite struct HTTP2SessionTests {
    /// Keeps what a session says, and feeds what the test wants sent.
    final class Peer: HTTP2Peer {
        var fields: [Int32: [(String, String)]] = [:]
        var bodies: [Int32: [UInt8]] = [:]
        var ended: Set<Int32> = []
        var headerEnds: [(stream: Int32, endsStream: Bool)] = []
        var closed: [Int32: UInt32] = [:]
        var sources: [Int32: [UInt8]] = [:]
        var trailers: [(String, String)] = []
        var goneAfter: Int32?
        var session: HTTP2Session?
        var consumes = true

        override func header(
            stream: Int32, category: nghttp2_headers_category, name: OpaquePointer, value: OpaquePointer,
            flags: UInt8, data: StreamData
        ) -> Bool {
            fields[stream, default: []].append((Self.text(name), Self.text(value)))
            return true
        }
        override func headersEnded(
            stream: Int32, category: nghttp2_headers_category, endsStream: Bool, data: StreamData
        ) {
            headerEnds.append((stream, endsStream))
            if endsStream { ended.insert(stream) }
        }
        override func dataReceived(stream: Int32, bytes: UnsafeRawBufferPointer, data: StreamData) {
            bodies[stream, default: []] += bytes
            if consumes { session?.consume(stream: stream, bytes.count) }
        }
        override func streamEnded(stream: Int32, data: StreamData) { ended.insert(stream) }
        override func streamClosed(stream: Int32, code: UInt32, data: StreamData) { closed[stream] = code }
        override func goAwayReceived(lastStream: Int32, code: UInt32) { goneAfter = lastStream }
        override func dataWanted(stream: Int32, room: UnsafeMutableRawBufferPointer, data: StreamData) -> Data? {
            guard let source = sources[stream] else { return nil }
            let part = source.prefix(room.count)
            room.copyBytes(from: part)
            sources[stream] = Array(source.dropFirst(part.count))
            let isLast = part.count == source.count
            guard isLast, !trailers.isEmpty, let session else {
                return Data(count: part.count, ended: isLast, trailersFollow: false)
            }
            Self.withFields(trailers) { _ = nghttp2_submit_trailer(session.raw, stream, $0.baseAddress, $0.count) }
            return Data(count: part.count, ended: true, trailersFollow: true)
        }

        static func text(_ buffer: OpaquePointer) -> String {
            let bytes = nghttp2_rcbuf_get_buf(buffer)
            return String(decoding: UnsafeBufferPointer(start: bytes.base, count: bytes.len), as: UTF8.self)
        }

        /// Fields for libnghttp2, which copies them.
        static func withFields(
            _ fields: [(String, String)], _ body: (UnsafeBufferPointer<nghttp2_nv>) -> Void
        ) {
            let copies = fields.map { (strdup($0.0), strdup($0.1)) }
            defer {
                for (name, value) in copies {
                    free(name)
                    free(value)
                }
            }
            let values = zip(copies, fields).map { copy, field in
                nghttp2_nv(
                    name: UnsafeMutableRawPointer(copy.0)?.assumingMemoryBound(to: UInt8.self),
                    value: UnsafeMutableRawPointer(copy.1)?.assumingMemoryBound(to: UInt8.self),
                    namelen: field.0.utf8.count, valuelen: field.1.utf8.count, flags: 0)
            }
            values.withUnsafeBufferPointer(body)
        }
    }

    let client = Peer()
    let server = Peer()
    let clientSession: HTTP2Session
    let serverSession: HTTP2Session

    init() throws {
        clientSession = try HTTP2Session(
            role: .client,
            settings: HTTP2Settings(maximumConcurrentStreams: 0, streamWindow: 65_535, connectionWindow: 65_535))
        serverSession = try HTTP2Session(
            role: .server,
            settings: HTTP2Settings(maximumConcurrentStreams: 7, streamWindow: 65_535, connectionWindow: 65_535))
        clientSession.serve(client)
        serverSession.serve(server)
        client.session = clientSession
        server.session = serverSession
    }

    /// Carries bytes both ways, `step` at a time, until both have nothing more to say.
    func exchange(step: Int = .max) throws {
        while true {
            try clientSession.pump()
            try serverSession.pump()
            if clientSession.output.pointee.isEmpty, serverSession.output.pointee.isEmpty { return }
            try Self.carry(clientSession, serverSession, step)
            try Self.carry(serverSession, clientSession, step)
        }
    }

    static func carry(_ from: HTTP2Session, _ to: HTTP2Session, _ step: Int) throws {
        while !from.output.pointee.isEmpty {
            let bytes = Array(from.output.pointee.bytes.prefix(step))
            from.output.pointee.drop(bytes.count)
            try bytes.withUnsafeBytes { try to.receive($0) }
        }
    }

    func request(_ body: [UInt8]?) -> Int32 {
        var stream: Int32 = 0
        Peer.withFields([
            (":method", "POST"), (":scheme", "http"), (":path", "/a.B/C"), (":authority", "x"), ("dup", "1"),
            ("dup", "2"), ("trace-bin", "AAE"),
        ]) {
            var source = dataSource
            stream =
                body == nil
                ? nghttp2_submit_request(clientSession.raw, nil, $0.baseAddress, $0.count, nil, nil)
                : nghttp2_submit_request(clientSession.raw, nil, $0.baseAddress, $0.count, &source, nil)
        }
        if let body { client.sources[stream] = body }
        return stream
    }

    func respond(_ stream: Int32, _ body: [UInt8]?) {
        if let body { server.sources[stream] = body }
        Peer.withFields([(":status", "200"), ("content-type", "application/grpc")]) {
            var source = dataSource
            if body == nil {
                _ = nghttp2_submit_response(serverSession.raw, stream, $0.baseAddress, $0.count, nil)
            } else {
                _ = nghttp2_submit_response(serverSession.raw, stream, $0.baseAddress, $0.count, &source)
            }
        }
    }

    @Test(arguments: [1, 2, 9, 10, 1000, Int.max])
    func `a call and its answer with trailers arrive whole, however the bytes are cut`(step: Int) throws {
        let stream = request([1, 2, 3])
        try exchange(step: step)
        #expect(server.fields[stream]?.map(\.0).suffix(3) == ["dup", "dup", "trace-bin"])
        #expect(server.fields[stream]?.map(\.1).suffix(3) == ["1", "2", "AAE"])
        #expect(server.bodies[stream] == [1, 2, 3])
        #expect(server.ended.contains(stream))
        server.trailers = [("grpc-status", "0")]
        respond(stream, [9, 8])
        try exchange(step: step)
        #expect(client.bodies[stream] == [9, 8])
        #expect(client.fields[stream]?.map(\.0) == [":status", "content-type", "grpc-status"])
        #expect(client.closed[stream] == 0)
        #expect(server.closed[stream] == 0)
    }

    @Test func `an answer that is only trailers is one frame that ends the stream`() throws {
        let stream = request(nil)
        try exchange()
        respond(stream, nil)
        try exchange()
        #expect(client.headerEnds.count == 1)
        #expect(client.headerEnds.first?.endsStream == true)
        #expect(client.closed[stream] == 0)
    }

    @Test func `trailers behind an empty body come without a stray frame of data`() throws {
        let stream = request(nil)
        try exchange()
        server.trailers = [("grpc-status", "0")]
        respond(stream, [])
        try exchange()
        #expect(client.bodies[stream] == nil)
        #expect(client.headerEnds.map(\.endsStream) == [false, true])
    }

    @Test func `a sender stops at the window and goes on when the receiver has consumed`() throws {
        server.consumes = false
        let body = [UInt8](repeating: 7, count: 200_000)
        let stream = request(body)
        try exchange()
        #expect(server.bodies[stream]?.count == 65_535)
        serverSession.consume(stream: stream, 65_535)
        try exchange()
        #expect(server.bodies[stream]?.count == 131_070)
        server.consumes = true
        serverSession.consume(stream: stream, 65_535)
        try exchange()
        #expect(server.bodies[stream] == body)
    }

    @Test(arguments: [HTTP2ResetCode.cancel, .internal, .refused])
    func `a reset carries its code to the other side`(code: HTTP2ResetCode) throws {
        let stream = request([1])
        client.sources[stream] = nil
        try exchange()
        clientSession.reset(stream: stream, code: code.rawValue)
        try exchange()
        #expect(server.closed[stream] == code.rawValue)
    }

    @Test func `a call that is reset before its head was serialised sends no byte of it`() throws {
        try exchange()
        let stream = request([1])
        clientSession.reset(stream: stream, code: HTTP2ResetCode.cancel.rawValue)
        try exchange()
        #expect(server.fields[stream] == nil)
        #expect(client.closed[stream] != nil)
    }

    @Test func `the limit of streams that a server announces reaches the client, as does its change`() throws {
        try exchange()
        #expect(clientSession.peerStreamLimit == 7)
        serverSession.announce(maximumConcurrentStreams: 3)
        try exchange()
        #expect(clientSession.peerStreamLimit == 3)
    }

    @Test func `a graceful end lets what is under way finish`() throws {
        let stream = request([1])
        try exchange()
        serverSession.announceShutdown()
        try exchange()
        #expect(client.goneAfter == Int32.max)
        serverSession.goAway()
        respond(stream, [2])
        try exchange()
        #expect(client.bodies[stream] == [2])
        #expect(client.closed[stream] == 0)
        #expect(serverSession.isFinished)
    }

    @Test func `what is no preface of HTTP2 ends the session with an error`() {
        let text = Array("GET / HTTP/1.1\r\n\r\n".utf8)
        #expect(throws: HTTP2Error.self) { try text.withUnsafeBytes { try serverSession.receive($0) } }
    }
}
