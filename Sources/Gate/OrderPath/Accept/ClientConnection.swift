import CLinux
import CNghttp2
import RiskRules

/// A strategy's connection. It turns what the client's session says into steps of the order path and feeds responses back.
final class ClientConnection: HTTP2Connection {
    /// Tells connections apart in rate windows and logs.
    let number: UInt32
    /// Where this client's calls go; nil while there is none.
    var upstream: UpstreamConnection?
    /// Calls on mapped methods that wait, for the upstream connection or for the mirror, in their order.
    var held = ExchangeList(\.holdLinks)
    /// Calls that pass unread and wait for the upstream connection.
    var waiting = ExchangeList(\.holdLinks)
    /// All calls of this client.
    var exchanges = ExchangeList(\.clientLinks)

    private unowned let path: OrderPath
    private var announcedLimit: UInt32
    /// The user at the other end of a unix socket.
    private let user: UInt32?
    private var binding: Int?
    private var hasLookedForBinding = false

    init(
        owning descriptor: Int32, number: UInt32, streamLimit: UInt32, path: OrderPath
    ) throws {
        self.number = number
        self.path = path
        announcedLimit = streamLimit
        user = Sockets.peerUser(of: descriptor)
        let tls = try path.tls.client.map { context throws(TLSError) in try TLSChannel(server: context) }
        super.init(owning: descriptor, loop: path.loop, scratch: path.scratch, tls: tls)
        try begin(
            role: .server,
            settings: HTTP2Settings(
                maximumConcurrentStreams: streamLimit, streamWindow: 262_144, connectionWindow: 1_048_576))
        try watch(EPOLLIN.rawValue)
    }

    /// The client may have `limit` streams open: what the endpoint allows, once that is known.
    func offer(streams limit: UInt32) {
        guard limit != announcedLimit, let session, !isClosed else { return }
        announcedLimit = limit
        session.announce(maximumConcurrentStreams: limit)
        becameDirty()
    }

    /// Whom this connection's peer may trade for; nil: nobody. Asked by calls only, so that a handshake is over.
    func identity(in identities: IdentityTable) -> Int? {
        if !hasLookedForBinding {
            hasLookedForBinding = true
            binding = identities.binding(user: user) { tls?.peerHas(name: $0) ?? false }
        }
        return binding
    }

    // MARK: The socket

    override func ready(_ events: UInt32) {
        if events & EPOLLOUT.rawValue != 0 { writeAvailable() }
        if !isClosed, events & (EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { readAvailable() }
    }

    override func becameDirty() { path.markDirty(self) }
    override func closed() { path.clientClosed(self) }
    override func leaving() { path.responsesLeft() }
    override func protocolFailed(_ error: HTTP2Error) { path.http2Failed(.client, error) }
    override func tlsFailed(_ reason: String) { path.tlsFailed(.client, reason) }

    // MARK: The session

    override package func headersBegan(stream: Int32, category: nghttp2_headers_category, data: StreamData) {
        guard category == NGHTTP2_HCAT_REQUEST, let session else { return }
        guard let exchange = path.pool.take() else { return }
        exchange.pointee.client = .passUnretained(self)
        exchange.pointee.clientStream = stream
        nghttp2_session_set_stream_user_data(session.raw, stream, exchange)
        exchanges.append(exchange)
    }

    override package func header(
        stream: Int32, category: nghttp2_headers_category, name: OpaquePointer, value: OpaquePointer, flags: UInt8,
        data: StreamData
    ) -> Bool {
        guard let exchange = Self.exchange(data) else { return false }
        if category == NGHTTP2_HCAT_REQUEST {
            return exchange.pointee.requestHead.append(name: name, value: value, flags: flags)
        }
        return exchange.pointee.requestTrailers.append(name: name, value: value, flags: flags)
    }

    override package func headersEnded(
        stream: Int32, category: nghttp2_headers_category, endsStream: Bool, data: StreamData
    ) {
        guard let exchange = Self.exchange(data) else {
            session?.reset(stream: stream, code: NGHTTP2_REFUSED_STREAM.rawValue)
            return
        }
        if endsStream { exchange.pointee.requestEnded = true }
        if category == NGHTTP2_HCAT_REQUEST {
            path.headArrived(exchange)
        } else {
            path.bodyGrew(exchange)
        }
    }

    override package func dataReceived(stream: Int32, bytes: UnsafeRawBufferPointer, data: StreamData) {
        guard let exchange = Self.exchange(data) else {
            session?.consume(stream: stream, bytes.count)
            return
        }
        path.bytesArrived(exchange, bytes)
    }

    override package func streamEnded(stream: Int32, data: StreamData) {
        guard let exchange = Self.exchange(data) else { return }
        exchange.pointee.requestEnded = true
        path.bodyGrew(exchange)
    }

    override package func streamClosed(stream: Int32, code: UInt32, data: StreamData) {
        guard let exchange = Self.exchange(data) else { return }
        path.clientStreamClosed(exchange, code: code)
    }

    override package func dataWanted(stream: Int32, room: UnsafeMutableRawBufferPointer, data: StreamData) -> Data? {
        guard let exchange = Self.exchange(data) else { return Data(count: 0, ended: true, trailersFollow: false) }
        var taken = 0
        let data = fill(
            room, of: stream, from: &exchange.pointee.responseBody, ended: exchange.pointee.responseEnded,
            trailers: exchange.pointee.responseTrailers, taken: &taken)
        path.responseTaken(exchange, taken)
        if data == nil { exchange.pointee.responseStarved = true }
        return data
    }

    override package func frameSent(endsStream stream: Int32, data: StreamData) {
        // The answer is complete and the request is not: its rest is of no use (RFC 9113, section 8.1).
        guard let exchange = Self.exchange(data), !exchange.pointee.requestEnded else { return }
        session?.reset(stream: stream, code: NGHTTP2_NO_ERROR.rawValue)
    }

    private static func exchange(_ data: StreamData) -> Exchange.Pointer? {
        data?.assumingMemoryBound(to: Exchange.self)
    }
}
