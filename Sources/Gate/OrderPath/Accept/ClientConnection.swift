import CLinux
import CNghttp2
import RiskRules

/// A strategy's connection. It turns what the client's session says into steps of the order path and feeds responses back.
final class ClientConnection: HTTP2Connection {
    /// Tells connections apart in rate windows and logs.
    let number: UInt32
    /// Where it comes from: who it is, and where it meant to go.
    let origin: ClientOrigin
    /// Where this client's calls go; nil while there is none. The order path's list keeps it.
    var upstream: Unmanaged<UpstreamConnection>?
    /// Calls on mapped methods that wait, for the upstream connection or for the mirror, in their order.
    var held = ExchangeList(\.holdLinks)
    /// Calls that pass unread and wait for the upstream connection.
    var waiting = ExchangeList(\.holdLinks)
    /// Cancels that were sent for it.
    var sentCancels = SentCancels()
    /// All calls of this client.
    var exchanges = ExchangeList(\.clientLinks)

    /// Bytes kept for its calls.
    var keptBytes = 0

    /// Held strongly, which costs an order nothing: the path lets every connection go that has closed.
    let path: OrderPath
    let limits: HTTP2Limits
    let frames: FrameGuard
    var deadlines = ClientDeadlines()
    var timer = TimerID.none
    /// When `timer` is due.
    var wakesAt = Int64.max
    var lastReadAt: Int64
    /// Of dials to where this client meant to go.
    var dialing: DialState
    var redialAt: Int64 = 0

    private var announcedLimit: UInt32
    private var binding: Int?
    private var hasLookedForBinding = false
    private var unacknowledgedSettings = 1
    private var awaitedBlock = 0
    private var oversizedHeaders = 0
    private var provokedResets = 0
    private var keepalive: Keepalive
    private var keepaliveTimer = TimerID.none
    private var ending = Ending.no
    private var hasPingedEnd = false

    /// How far its graceful end has come.
    private enum Ending: BitwiseCopyable {
        case no
        /// It was told to open no more streams; it may not have heard.
        case announced
        /// It has heard: what it opened before has arrived.
        case heard
        case said
    }

    init(
        owning descriptor: Int32, origin: ClientOrigin, number: UInt32, streamLimit: UInt32, path: OrderPath
    ) throws {
        self.origin = origin
        dialing = DialState(seed: UInt64(number))
        keepalive = Keepalive(path.configuration.clientKeepalive, now: path.loop.now)
        self.number = number
        self.path = path
        limits = path.configuration.http2
        frames = FrameGuard(limits, now: path.loop.now)
        lastReadAt = path.loop.now
        announcedLimit = streamLimit
        var settings = HTTP2Settings(
            maximumConcurrentStreams: streamLimit, streamWindow: 262_144, connectionWindow: 1_048_576)
        settings.headerListSize = limits.headerBytes
        let (session, tls) = try Self.prepare(for: descriptor) {
            (
                try HTTP2Session(role: .server, settings: settings, configuration: path.http2, memory: path.memory),
                try (origin.isGate ? nil : path.tls.client).map { try TLSChannel(server: $0, now: path.loop.now) }
            )
        }
        super.init(owning: descriptor, loop: path.loop, scratch: path.scratch, session: session, tls: tls)
        try watch(EPOLLIN.rawValue)
        awaitGreeting()
        keepAlive()
    }

    /// The client may have `limit` streams open: what the endpoint allows, once that is known.
    func offer(streams limit: UInt32) {
        guard limit != announcedLimit, !isClosed else { return }
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
            binding = identities.binding(user: origin.peerUID) { tls?.peerHas(name: $0) ?? false }
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

    override func fired(_ context: UInt64) {
        if context == Self.keepaliveContext { keepAlive() } else { timePassed() }
    }

    override func becameDirty() { path.markDirty(self) }
    override func sessionFed() {
        if session.queuedFrames > limits.queuedFrames { fault = .outputFlood }
    }
    override func keptUnread() { path.readAgain(self) }
    override func blocked() { awaitTaking() }
    override func received() {
        keepalive.heard(now: loop.now)
        pingBehindEnd()
    }
    override func leaving() { path.responsesLeft() }
    override var mayShakeHands: Bool { path.handshakeTime < OrderPathConfiguration.handshakeShare }
    override func shookHands(for duration: Int64) { path.handshakeTime += duration }
    override func letGo(_ descriptor: Int32) { path.linger(descriptor) }
    override func protocolFailed(_ error: HTTP2Error) { path.http2Failed(.client, error) }
    override func tlsFailed(_ reason: String) { path.tlsFailed(.client, reason) }
    override func refused(_ fault: HTTP2Fault) { path.countHTTP2Error(.client, fault.kind) }

    override func closed() {
        loop.cancel(timer)
        loop.cancel(keepaliveTimer)
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

    /// Asks a silent client whether it is there.
    private func keepAlive() {
        switch keepalive.check(now: loop.now, owedSince: nil) {
        case .close: shut()
        case .ping(let until):
            session.ping()
            becameDirty()
            keepaliveTimer = loop.schedule(at: until, target: self, context: Self.keepaliveContext)
        case .wait(let until):
            keepaliveTimer = loop.schedule(at: until, target: self, context: Self.keepaliveContext)
        }
    }

    /// Tells the keepalive's timer from that of the deadlines.
    private static let keepaliveContext: UInt64 = 1

    // MARK: Ending

    /// Asks the client to open no more streams here. Those that are on their way still count; the answer to a PING behind the
    /// announcement tells that they have come.
    func announceEnd() {
        guard ending == .no else { return }
        ending = .announced
        session.announceShutdown()
        if !session.isBusy { pingBehindEnd() }
        becameDirty()
    }

    /// A PING overtakes what is queued, so the announcement is serialised first: the answer tells that it was read.
    private func pingBehindEnd() {
        guard ending == .announced, !hasPingedEnd, serialise() else { return }
        hasPingedEnd = true
        session.ping()
        becameDirty()
    }

    /// Refuses streams after those that have come, once the client has heard of the end, or has had its time to.
    func sayEnd(unheard: Bool = false) {
        guard ending == .heard || unheard && ending == .announced else { return }
        ending = .said
        session.goAway()
        becameDirty()
    }

    override package func pingAcknowledged() {
        guard ending == .announced, hasPingedEnd else { return }
        ending = .heard
        if path.isDrainPauseOver { sayEnd() }
    }

    // MARK: The session

    override package func headersBegan(stream: Int32, category: nghttp2_headers_category, data: StreamData) {
        guard category == NGHTTP2_HCAT_REQUEST else { return }
        if Int(stream) / 2 >= 2 * path.configuration.callsPerConnection { announceEnd() }
        guard let exchange = path.takeExchange(for: self) else { return }
        exchange.pointee.client = .passUnretained(self)
        exchange.pointee.clientStream = stream
        nghttp2_session_set_stream_user_data(session.raw, stream, exchange)
        exchanges.append(exchange)
    }

    override package func header(
        stream: Int32, category: nghttp2_headers_category, name: OpaquePointer, value: OpaquePointer, flags: UInt8,
        data: StreamData
    ) -> Bool {
        // One that found no room is read to its end, which the compressor needs, and then refused.
        guard let exchange = Self.exchange(data) else { return true }
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
            session.reset(stream: stream, code: NGHTTP2_REFUSED_STREAM.rawValue)
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
            session.consume(stream: stream, bytes.count)
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
        session.reset(stream: stream, code: NGHTTP2_NO_ERROR.rawValue)
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
