import CLinux
import CNghttp2

/// A connection to the order-execution endpoint: first a spare one, then one client's.
final class UpstreamConnection: HTTP2Connection {
    enum State: BitwiseCopyable {
        case connecting
        /// Connected; the endpoint's SETTINGS have not come yet.
        case greeting
        case ready
        /// The endpoint said that it goes away: what is under way may finish, nothing new is sent.
        case leaving
    }

    private(set) var state = State.connecting
    /// Whether it ever became ready: if not, its end is a failed dial.
    private(set) var wasReady = false
    /// When it became ready.
    private(set) var readyAt: Int64 = 0
    /// Nothing new is sent here; its end is meant.
    private(set) var isRetired = false
    /// Whose it is; nil while it is a spare.
    var client: Unmanaged<ClientConnection>?
    /// Calls that were submitted and whose stream is open.
    var exchanges = ExchangeList(\.upstreamLinks)
    /// When the last bytes of the calls came that leave with the next flush.
    let departing: UnsafeMutablePointer<Int64>
    var departingCount = 0
    static let departingCapacity = 256

    /// Orders and cancels of whose body the session has not taken everything: what comes behind them waits, because a smaller
    /// message could otherwise overtake a larger one.
    private var leavingCount = 0
    /// Orders and cancels that are not answered.
    private var owedCount = 0
    private var owedSince: Int64 = 0
    /// The socket has taken nothing for a while: orders are refused at once.
    private(set) var isStalled = false
    private var hasNews = false

    /// Held strongly, which costs an order nothing: the path lets every connection go that has closed.
    private let path: OrderPath
    private var timer = TimerID.none
    private var stallTimer = TimerID.none

    private var keepalive: Keepalive
    private var keepaliveTimer = TimerID.none
    private var lastStream: Int32 = 0

    private static let stallTimeout: Int64 = 250_000_000
    private static let greetingTimeout: Int64 = 2_000_000_000

    init(owning descriptor: Int32, path: OrderPath) throws {
        self.path = path
        keepalive = Keepalive(path.configuration.upstreamKeepalive, now: path.loop.now)
        departing = .allocate(capacity: Self.departingCapacity)
        let (session, tls) = try Self.prepare(for: descriptor) {
            (
                try HTTP2Session(
                    role: .client,
                    settings: HTTP2Settings(
                        maximumConcurrentStreams: 0, streamWindow: 262_144, connectionWindow: .max),
                    memory: path.memory),
                try path.tls.upstream.map { try TLSChannel(client: $0.context, of: $0.name, now: path.loop.now) }
            )
        }
        super.init(owning: descriptor, loop: path.loop, scratch: path.scratch, session: session, tls: tls)
        try watch(EPOLLOUT.rawValue)
        timer = loop.schedule(
            at: loop.now + path.configuration.connectTimeout, target: self, context: TimerContext.greeting)
    }

    deinit {
        departing.deallocate()
    }

    /// Whether a new call may be submitted.
    var isReady: Bool { state == .ready && !isClosed }

    /// Whether a call was ever submitted here.
    var hasCarried: Bool { lastStream > 0 }

    /// Whether its stream ids run low. Another takes over when nothing is under way, so that a cancel follows its order on the same
    /// connection; in any case at twice as many, where half of the ids are still left.
    var isWornOut: Bool {
        let calls = (Int(lastStream) + 1) / 2
        let most = path.configuration.callsPerConnection
        return calls >= most && (exchanges.first == nil || calls >= 2 * most)
    }

    /// Streams that the endpoint lets us have open at once, as far as we know.
    var streamLimit: Int { session.peerStreamLimit }

    /// Whether an order or a cancel has to wait until what is before it has left.
    var isCongested: Bool {
        guard !isStalled else { return false }
        if !session.hasRoom {
            path.advancesHeld = true
            return true
        }
        return isBlocked || leavingCount > 0
    }

    /// Sends a call: an order or a cancel is serialised before this returns, so that none waits in the session's queue where
    /// the endpoint's limits would hold it up. False where it cannot be sent now; nothing of it will leave then.
    func submit(_ exchange: Exchange.Pointer) -> Bool {
        guard isReady, !session.isBusy, exchanges.count < streamLimit,
            nghttp2_session_check_request_allowed(session.raw) != 0
        else { return false }
        let head = exchange.pointee.requestHead
        let hasBody =
            !exchange.pointee.requestEnded || !exchange.pointee.requestBody.isEmpty
            || exchange.pointee.requestTrailers.count > 0
        var source = dataSource
        exchange.pointee.serialisedBefore = session.serialisedCount
        let stream =
            hasBody
            ? nghttp2_submit_request(session.raw, nil, head.pointer, head.count, &source, exchange)
            : nghttp2_submit_request(session.raw, nil, head.pointer, head.count, nil, exchange)
        guard stream > 0 else { return false }
        lastStream = stream
        exchange.pointee.upstreamStream = stream
        exchange.pointee.upstream = .passUnretained(self)
        exchanges.append(exchange)
        becameDirty()
        if exchange.pointee.action != .pass {
            if owedCount == 0 { owedSince = loop.now }
            owedCount += 1
            exchange.pointee.isLeaving = hasBody
            if hasBody { leavingCount += 1 }
            guard serialised(exchange) else { return false }
        }
        exchange.pointee.attempts &+= 1
        return true
    }

    /// Serialises a call that was just submitted, or takes it back.
    private func serialised(_ exchange: Exchange.Pointer) -> Bool {
        // A connection that fails here must not find the call among those it had sent.
        exchanges.remove(exchange)
        if serialise(), session.isOpen(stream: exchange.pointee.upstreamStream) {
            exchanges.append(exchange)
            return true
        }
        session.withdraw(stream: exchange.pointee.upstreamStream)
        forget(exchange)
        exchange.pointee.upstream = nil
        return false
    }

    /// How far a call of this connection has got.
    func state(of exchange: Exchange.Pointer) -> Submission.State {
        if exchange.pointee.responseBegan { return .answering }
        return writtenCount > exchange.pointee.serialisedBefore ? .written : .unwritten
    }

    /// The call is under way here no longer.
    func forget(_ exchange: Exchange.Pointer) {
        if exchange.pointee.action != .pass { owedCount -= 1 }
        exchanges.remove(exchange)
        left(exchange)
    }

    /// The session has all of the call's body, or wants no more of it.
    private func left(_ exchange: Exchange.Pointer) {
        guard exchange.pointee.isLeaving else { return }
        exchange.pointee.isLeaving = false
        leavingCount -= 1
        if leavingCount == 0, path.clientsOnHold > 0 { path.advancesHeld = true }
    }

    /// Nothing new will be sent here: it closes as soon as nothing is under way.
    func retire() {
        isRetired = true
        becameDirty()
    }

    override var isDone: Bool { super.isDone || isRetired && exchanges.first == nil }
    override var canWrite: Bool { state != .connecting }

    // MARK: The socket

    override func ready(_ events: UInt32) {
        if state == .connecting {
            connected()
            return
        }
        if events & EPOLLOUT.rawValue != 0 { writeAvailable() }
        if !isClosed, events & (EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { readAvailable() }
    }

    private func connected() {
        guard connectError == 0 else {
            shut()
            return
        }
        state = .greeting
        loop.cancel(timer)
        timer = loop.schedule(at: loop.now + Self.greetingTimeout, target: self, context: TimerContext.greeting)
        writeAvailable()
    }

    override func fired(_ context: UInt64) {
        switch context {
        case TimerContext.stall:
            isStalled = true
            path.advancesHeld = true
        case TimerContext.keepalive: keepAlive()
        default: shut()
        }
    }

    private enum TimerContext {
        static let greeting: UInt64 = 0
        static let stall: UInt64 = 1
        static let keepalive: UInt64 = 2
    }

    /// Asks a silent endpoint whether it is there. An answer is owed to orders and cancels, whose timers run, not to streams.
    private func keepAlive() {
        switch keepalive.check(now: loop.now, owedSince: owedCount > 0 ? owedSince : nil) {
        case .close:
            path.endpointIsSilent(self)
            shut()
        case .ping(let until):
            session.ping()
            becameDirty()
            keepaliveTimer = loop.schedule(at: until, target: self, context: TimerContext.keepalive)
        case .wait(let until):
            // An answer may come to be owed meanwhile.
            let active = loop.now + path.configuration.upstreamKeepalive.active
            keepaliveTimer = loop.schedule(at: min(until, active), target: self, context: TimerContext.keepalive)
        }
    }

    /// Asks the endpoint now whether it is there.
    func ask() {
        guard isReady else { return }
        keepalive.doubt()
        loop.cancel(keepaliveTimer)
        keepAlive()
    }

    override func blockedChanged() {
        loop.cancel(stallTimer)
        if isBlocked {
            stallTimer = loop.schedule(at: loop.now + Self.stallTimeout, target: self, context: TimerContext.stall)
        } else {
            isStalled = false
            path.advancesHeld = true
        }
    }

    /// What the session heard of its own readiness is acted on only here: sending a call enters the session again.
    override func received() {
        keepalive.heard(now: loop.now)
        guard hasNews else { return }
        hasNews = false
        if wasReady {
            path.upstreamLimitChanged(self)
        } else {
            wasReady = true
            readyAt = loop.now
            keepAlive()
            path.upstreamReady(self)
        }
    }

    override func becameDirty() { path.markDirty(self) }
    override func leaving() { path.requestsLeft(self) }
    override func protocolFailed(_ error: HTTP2Error) { path.http2Failed(.upstream, error) }
    override func tlsFailed(_ reason: String) { path.tlsFailed(.upstream, reason) }
    override func goAwaySent(code: UInt32) {
        if let kind = HTTP2ErrorKind(code: code) { path.countHTTP2Error(.upstream, kind) }
    }

    override func closed() {
        loop.cancel(timer)
        loop.cancel(stallTimer)
        loop.cancel(keepaliveTimer)
        path.upstreamClosed(self)
    }

    // MARK: The session

    override package func settingsReceived() {
        hasNews = true
        guard state == .greeting else { return }
        state = .ready
        loop.cancel(timer)
    }

    override package func goAwayReceived(lastStream: Int32, code: UInt32) {
        state = .leaving
        path.upstreamLeaving(self)
    }

    override package func header(
        stream: Int32, category: nghttp2_headers_category, name: OpaquePointer, value: OpaquePointer, flags: UInt8,
        data: StreamData
    ) -> Bool {
        guard let exchange = Self.exchange(data) else { return true }
        if exchange.pointee.responseHeadSent {
            return exchange.pointee.responseTrailers.append(name: name, value: value, flags: flags)
        }
        return exchange.pointee.responseHead.append(name: name, value: value, flags: flags)
    }

    override package func headersEnded(
        stream: Int32, category: nghttp2_headers_category, endsStream: Bool, data: StreamData
    ) {
        guard let exchange = Self.exchange(data) else { return }
        keepalive.messageCame()
        path.responseHeadersArrived(exchange, endsStream: endsStream)
    }

    override package func dataReceived(stream: Int32, bytes: UnsafeRawBufferPointer, data: StreamData) {
        keepalive.messageCame()
        guard let exchange = Self.exchange(data) else {
            session.consumeConnection(bytes.count)
            return
        }
        path.responseBytesArrived(exchange, bytes)
    }

    override package func streamEnded(stream: Int32, data: StreamData) {
        guard let exchange = Self.exchange(data) else { return }
        path.responseEnded(exchange)
    }

    override package func streamClosed(stream: Int32, code: UInt32, data: StreamData) {
        guard let exchange = Self.exchange(data) else { return }
        path.upstreamStreamClosed(exchange, code: code)
    }

    override package func dataWanted(stream: Int32, room: UnsafeMutableRawBufferPointer, data: StreamData) -> Data? {
        guard let exchange = Self.exchange(data) else { return Data(count: 0, ended: true, trailersFollow: false) }
        var taken = 0
        let data = fill(
            room, of: stream, from: &exchange.pointee.requestBody, ended: exchange.pointee.requestEnded,
            trailers: exchange.pointee.requestTrailers, taken: &taken)
        path.requestTaken(exchange, taken)
        if data?.ended == true { left(exchange) }
        if data == nil { exchange.pointee.requestStarved = true }
        return data
    }

    private static func exchange(_ data: StreamData) -> Exchange.Pointer? {
        data?.assumingMemoryBound(to: Exchange.self)
    }
}
