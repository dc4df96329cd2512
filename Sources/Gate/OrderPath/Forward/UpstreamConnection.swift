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

    private unowned let path: OrderPath
    private var timer = TimerID.none

    private static let connectTimeout: Int64 = 250_000_000
    private static let greetingTimeout: Int64 = 2_000_000_000

    init(owning descriptor: Int32, path: OrderPath) throws {
        self.path = path
        departing = .allocate(capacity: Self.departingCapacity)
        let tls = try path.tls.upstream.map { tls throws(TLSError) in
            try TLSChannel(client: tls.context, of: tls.name)
        }
        super.init(owning: descriptor, loop: path.loop, scratch: path.scratch, tls: tls)
        try begin(
            role: .client,
            settings: HTTP2Settings(
                maximumConcurrentStreams: 0, streamWindow: 262_144, connectionWindow: .max))
        try watch(EPOLLOUT.rawValue)
        timer = loop.schedule(at: loop.now + Self.connectTimeout, target: self, context: 0)
    }

    deinit {
        departing.deallocate()
    }

    /// Whether a new call may be submitted.
    var isReady: Bool { state == .ready && !isClosed }

    /// Streams that the endpoint lets us have open at once, as far as we know.
    var streamLimit: Int { session?.peerStreamLimit ?? 0 }

    /// Sends a call. Its head and body are read from the exchange when the session serialises them. False where the session
    /// takes no more streams.
    func submit(_ exchange: Exchange.Pointer) -> Bool {
        guard isReady, let session, exchanges.count < streamLimit,
            nghttp2_session_check_request_allowed(session.raw) != 0
        else { return false }
        let head = exchange.pointee.requestHead
        let hasBody =
            !exchange.pointee.requestEnded || !exchange.pointee.requestBody.isEmpty
            || exchange.pointee.requestTrailers.count > 0
        var source = dataSource
        let stream =
            hasBody
            ? nghttp2_submit_request(session.raw, nil, head.pointer, head.count, &source, exchange)
            : nghttp2_submit_request(session.raw, nil, head.pointer, head.count, nil, exchange)
        guard stream > 0 else { return false }
        exchange.pointee.upstreamStream = stream
        exchange.pointee.upstream = .passUnretained(self)
        exchanges.append(exchange)
        becameDirty()
        return true
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
        timer = loop.schedule(at: loop.now + Self.greetingTimeout, target: self, context: 0)
        writeAvailable()
    }

    override func fired(_ context: UInt64) { shut() }

    override func becameDirty() { path.markDirty(self) }
    override func leaving() { path.requestsLeft(self) }
    override func protocolFailed(_ error: HTTP2Error) { path.http2Failed(.upstream, error) }
    override func tlsFailed(_ reason: String) { path.tlsFailed(.upstream, reason) }
    override func goAwaySent(code: UInt32) {
        if let kind = HTTP2ErrorKind(code: code) { path.countHTTP2Error(.upstream, kind) }
    }

    override func closed() {
        loop.cancel(timer)
        path.upstreamClosed(self)
    }

    // MARK: The session

    override package func settingsReceived() {
        if state == .greeting {
            state = .ready
            wasReady = true
            loop.cancel(timer)
            path.upstreamReady(self)
        } else {
            path.upstreamLimitChanged(self)
        }
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
        path.responseHeadersArrived(exchange, endsStream: endsStream)
    }

    override package func dataReceived(stream: Int32, bytes: UnsafeRawBufferPointer, data: StreamData) {
        guard let exchange = Self.exchange(data) else {
            session?.consumeConnection(bytes.count)
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
        if data == nil { exchange.pointee.requestStarved = true }
        return data
    }

    private static func exchange(_ data: StreamData) -> Exchange.Pointer? {
        data?.assumingMemoryBound(to: Exchange.self)
    }
}
