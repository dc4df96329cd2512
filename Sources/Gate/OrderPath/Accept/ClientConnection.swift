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

    /// The machine it comes from.
    let host: PeerHost
    /// Bytes kept for its calls.
    var keptBytes = 0

    unowned let path: OrderPath
    let limits: HTTP2Limits
    var frames: FrameGuard
    var deadlines = ClientDeadlines()
    var timer = TimerID.none
    /// When `timer` is due.
    var wakesAt = Int64.max
    var lastReadAt: Int64
    private var announcedLimit: UInt32
    /// The user at the other end of a unix socket.
    private let user: UInt32?
    private var binding: Int?
    private var hasLookedForBinding = false
    private var unacknowledgedSettings = 1
    private var awaitedBlock = 0
    private var oversizedHeaders = 0
    private var provokedResets = 0

    init(
        owning descriptor: Int32, number: UInt32, streamLimit: UInt32, host: PeerHost, path: OrderPath
    ) throws {
        self.number = number
        self.host = host
        self.path = path
        limits = path.configuration.http2
        frames = FrameGuard(limits, now: path.loop.now)
        lastReadAt = path.loop.now
        announcedLimit = streamLimit
        user = Sockets.peerUser(of: descriptor)
        let tls = try path.tls.client.map { context throws(TLSError) in try TLSChannel(server: context) }
        super.init(owning: descriptor, loop: path.loop, scratch: path.scratch, tls: tls)
        var settings = HTTP2Settings(
            maximumConcurrentStreams: streamLimit, streamWindow: 262_144, connectionWindow: 1_048_576)
        settings.headerListSize = limits.headerBytes
        try begin(role: .server, settings: settings, configuration: path.http2)
        try watch(EPOLLIN.rawValue)
        awaitGreeting()
    }

    /// The client may have `limit` streams open: what the endpoint allows, once that is known.
    func offer(streams limit: UInt32) {
        guard limit != announcedLimit, let session, !isClosed else { return }
        announcedLimit = limit
        session.announce(maximumConcurrentStreams: limit)
        unacknowledgedSettings += 1
        awaitAcknowledgement()
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
        guard !isClosed, events & (EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 else { return }
        // What was read before comes first, and had its share of this turn.
        if !hasUnread { readAvailable() }
    }

    override func fired(_ context: UInt64) { timePassed() }

    override func becameDirty() { path.markDirty(self) }
    override func sessionFed() {
        if let session, session.queuedFrames > limits.queuedFrames { fault = .outputFlood }
    }
    override func keptUnread() { path.readAgain(self) }
    override func blocked() { awaitTaking() }
    override func leaving() { path.responsesLeft() }
    override func letGo(_ descriptor: Int32) { path.linger(descriptor) }
    override func protocolFailed(_ error: HTTP2Error) { path.http2Failed(.client, error) }
    override func tlsFailed(_ reason: String) { path.tlsFailed(.client, reason) }
    override func refused(_ fault: HTTP2Fault) { path.countHTTP2Error(.client, fault.kind) }

    override func closed() {
        loop.cancel(timer)
        path.clientClosed(self)
    }

    override func admit(_ bytes: UnsafeRawBufferPointer) -> FrameGuard.Verdict {
        lastReadAt = loop.now
        let verdict = frames.follow(bytes, now: loop.now)
        if frames.hasPreface { deadlines.preface = .max }
        if frames.isInHeaderBlock {
            if frames.blockNumber != awaitedBlock {
                awaitedBlock = frames.blockNumber
                deadlines.headerBlock = loop.now + limits.headerTimeout.nanoseconds
                wake()
            }
        } else {
            deadlines.headerBlock = .max
        }
        return verdict
    }

    // MARK: The session

    override package func headersBegan(stream: Int32, category: nghttp2_headers_category, data: StreamData) {
        guard category == NGHTTP2_HCAT_REQUEST, let session else { return }
        guard path.mayTakeExchange(self), let exchange = path.pool.take() else { return }
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
        let isHead = category == NGHTTP2_HCAT_REQUEST
        let fits =
            isHead
            ? exchange.pointee.requestHead.append(
                name: name, value: value, flags: flags, maximumCount: limits.headerFields,
                maximumSize: limits.headerBytes)
            : exchange.pointee.requestTrailers.append(
                name: name, value: value, flags: flags, maximumCount: limits.headerFields,
                maximumSize: limits.headerBytes)
        guard !fits else { return true }
        exchange.pointee.isOversized = true
        // libnghttp2 decodes without end. Past this it does so without telling, and the connection ends.
        let size = isHead ? exchange.pointee.requestHead.size : exchange.pointee.requestTrailers.size
        guard size > Self.decodedHeaders * limits.headerBytes else { return true }
        fault = .headerList
        return false
    }

    /// How often the size of a header block may be exceeded before decoding it ends, with the connection.
    private static let decodedHeaders = 16

    override package func headersEnded(
        stream: Int32, category: nghttp2_headers_category, endsStream: Bool, data: StreamData
    ) {
        guard let exchange = Self.exchange(data) else {
            path.countHTTP2Error(.client, .tooManyStreams)
            session?.reset(stream: stream, code: NGHTTP2_REFUSED_STREAM.rawValue)
            return
        }
        if endsStream { exchange.pointee.requestEnded = true }
        path.account(exchange)
        guard !exchange.pointee.isOversized else {
            refuseHeaders(exchange)
            return
        }
        if category == NGHTTP2_HCAT_REQUEST {
            path.headArrived(exchange)
            if exchange.pointee.stage == .receiving, exchange.pointee.action != .pass { awaitBody() }
        } else {
            path.bodyGrew(exchange)
        }
    }

    /// Refuses a call whose head or trailers are too large.
    private func refuseHeaders(_ exchange: Exchange.Pointer) {
        path.countHTTP2Error(.client, .headerListTooLarge)
        path.callOff(exchange)
        oversizedHeaders += 1
        if oversizedHeaders > limits.oversizedHeaders { fault = .headerList }
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
        guard !exchange.pointee.isRefusedByMessage else { return path.refusal(exchange, into: room) }
        var taken = 0
        let data = fill(
            room, of: stream, from: &exchange.pointee.responseBody, ended: exchange.pointee.responseEnded,
            trailers: exchange.pointee.responseTrailers, taken: &taken)
        path.responseTaken(exchange, taken)
        if data == nil { exchange.pointee.responseStarved = true }
        if exchange.pointee.responseBody.isEmpty {
            exchange.pointee.stalledSince = 0
        } else {
            if taken >= Self.progress { exchange.pointee.stalledSince = loop.now }
            if room.count < Self.progress, !frames.dribbled(now: loop.now) { fault = .dribble }
        }
        return data
    }

    /// Fewer bytes than these are no progress while more wait.
    private static let progress = 256

    override package func frameSent(endsStream stream: Int32, data: StreamData) {
        // The answer is complete and the request is not: its rest is of no use (RFC 9113, section 8.1).
        guard let exchange = Self.exchange(data), !exchange.pointee.requestEnded else { return }
        session?.reset(stream: stream, code: NGHTTP2_NO_ERROR.rawValue)
    }

    override package func headSent(stream: Int32) { frames.answered(stream) }
    override package func dataSent(stream: Int32) { frames.dataSent() }

    override package func settingsReceived() {
        deadlines.settings = .max
    }

    override package func settingsAcknowledged() {
        unacknowledgedSettings -= 1
        if unacknowledgedSettings <= 0 { deadlines.acknowledgement = .max }
    }

    override package func goAwaySent(code: UInt32) {
        // One of Gate's own was counted for what it is.
        guard !isClosing, let kind = HTTP2ErrorKind(code: code) else { return }
        path.countHTTP2Error(.client, kind)
    }

    override package func resetSent(stream: Int32, code: UInt32, data: StreamData) {
        guard code != NGHTTP2_NO_ERROR.rawValue, code != NGHTTP2_CANCEL.rawValue,
            code != NGHTTP2_REFUSED_STREAM.rawValue
        else { return }
        // Gate's own resets, and those of the endpoint that it passes on, come after the call was answered.
        if let exchange = Self.exchange(data), exchange.pointee.stage == .answered { return }
        if let kind = HTTP2ErrorKind(code: code) { path.countHTTP2Error(.client, kind) }
        provokedResets += 1
        if provokedResets > limits.provokedResets { fault = .provokedReset }
    }

    private static func exchange(_ data: StreamData) -> Exchange.Pointer? {
        data?.assumingMemoryBound(to: Exchange.self)
    }
}
