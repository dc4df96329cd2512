import CLinux
package import Logging
package import RiskRules

/// Follows the watched prices and accounts of one Redis by client-side caching, and keeps the order thread told of them.
///
/// One connection subscribes to invalidations; one a database reads values. The connection to the accounts' database also
/// carries tracking for every prefix (tracking knows no databases) and writes the heartbeat, so that one heartbeat that
/// comes back shows that all announcements arrive.
package final class RedisMirror: EventTarget {
    private let loop: EventLoop
    private let configuration: MirrorConfiguration
    private let outbox: StateOutbox
    private let metrics: MirrorMetrics
    private let log: Logger
    private var machine: MirrorStateMachine
    private var heartbeat = LinkHeartbeat()
    private var heartbeatTimer = TimerID.none
    private var retryTimer = TimerID.none
    private var setupTimer = TimerID.none
    private var subscriber: RedisConnection?
    private var accountsData: RedisConnection?
    /// The same connection where prices and accounts share a database.
    private var pricesData: RedisConnection?
    /// Closed in this turn; hiredis may still be inside one of them.
    private var retired: [RedisConnection] = []
    private var fetching = 0
    /// Gate's own keys, over the same connection.
    let ownKeys: OwnKeys
    /// Why each address could not be mirrored the last time, to be told once.
    private var losses: [String?]
    /// Where Redis was found in this attempt.
    private var address: SocketAddress
    private var attempts = 0
    private let heartbeatCommand: RedisCommand
    /// The link became live, or is lost.
    private let onLink: (Bool) -> Void
    /// Runs a closure on this mirror's thread, from any thread.
    package typealias Execute = @Sendable (@escaping @Sendable (RedisMirror) -> Void) -> Void
    private let execute: Execute

    /// Keys under way at once: bounds what waits in a connection's buffers.
    private static let maximumFetching = 1024
    private static let retryContext: UInt64 = 0
    private static let heartbeatContext: UInt64 = 1
    private static let setupContext: UInt64 = 2
    static let channel = "__redis__:invalidate"
    private static let ping = RedisCommand("PING")

    package init(
        loop: EventLoop, configuration: MirrorConfiguration, outbox: StateOutbox, metrics: MirrorMetrics, log: Logger,
        execute: @escaping Execute, onLink: @escaping (Bool) -> Void
    ) {
        self.execute = execute
        self.onLink = onLink
        address = configuration.addresses[0]
        losses = Array(repeating: nil, count: configuration.addresses.count)
        self.loop = loop
        self.configuration = configuration
        self.outbox = outbox
        self.metrics = metrics
        self.log = log
        let databases = Set([configuration.prices.database, configuration.accounts.database])
        machine = MirrorStateMachine(
            dataConnections: databases.count, addresses: configuration.addresses.count)
        heartbeatCommand = RedisCommand(
            "SET", configuration.heartbeatKey, "1", "PX", String(configuration.heartbeatExpiry / 1_000_000))
        ownKeys = OwnKeys(metrics: metrics, log: log)
        super.init()
        ownKeys.onSynchronised = { [unowned self] in resynchronised() }
        ownKeys.onFailure = { [unowned self] in linkLost($0) }
    }

    /// Begins to connect, and goes on for as long as it takes.
    package func start() {
        for (name, table) in [("prices", configuration.prices), ("accounts", configuration.accounts)]
        where !table.judgesAge {
            log.notice("\(name): the age of values is not judged; a silent key stays true while the link lives")
        }
        perform(machine.retryDue())
    }

    /// Ends all connections and timers for good.
    package func stop() {
        loop.cancel(retryTimer)
        attempts += 1
        closeConnections()
        ownKeys.linkLost()
        retired.removeAll()
    }

    /// Follows a symbol's price. Where the table is full nothing is ever told of it.
    package func watch(symbol: NameID, text: String) {
        watch(outbox.prices, symbol, text, what: "symbols")
    }

    /// Follows an account.
    package func watch(account: NameID, text: String) {
        watch(outbox.accounts, account, text, what: "accounts")
    }

    private func watch(_ table: MirrorTable, _ name: NameID, _ text: String, what: String) {
        if table.watch(name, text: text) { return }
        log.error("\(MirrorConfiguration.maximumKeys) \(what) are mirrored; \(text) is one too many and stays unknown")
    }

    /// Follows a symbol's price no more.
    package func unwatch(symbol text: String) { outbox.prices.unwatch(text: text) }

    /// Follows an account no more.
    package func unwatch(account text: String) { outbox.accounts.unwatch(text: text) }

    /// Whether Redis is followed: everything has been read and changes arrive.
    package var isLive: Bool { machine.phase == .live }

    /// Sends what this turn asked of Redis; the last thing of each turn.
    package func turnEnds() {
        fetch()
        subscriber?.flush()
        accountsData?.flush()
        if pricesData !== accountsData { pricesData?.flush() }
        retired.removeAll()
    }

    package override func fired(_ context: UInt64) {
        switch context {
        case Self.retryContext: perform(machine.retryDue())
        case Self.setupContext: linkLost("no answer within \(MirrorConfiguration.connectTimeout / 1_000_000) ms")
        default: heartbeatDue()
        }
    }

    // MARK: The link

    private func perform(_ action: MirrorStateMachine.Action) {
        switch action {
        case .askClientID, .subscribe, .enableTracking: expectAnswer()
        case .none, .connectSubscriber, .connectData, .resynchronise, .goLive, .retry: break
        }
        switch action {
        case .none: break
        case .connectSubscriber:
            metrics.connects.add()
            attempts += 1
            findAddress()
        case .askClientID: subscriber?.send(RedisCommand("CLIENT", "ID"), token: Token.clientID.encoded)
        case .subscribe: subscriber?.subscribe(to: Self.channel)
        case .connectData:
            loop.cancel(setupTimer)
            connectData()
        case .enableTracking(let clientID):
            accountsData?.send(trackingCommand(clientID), token: Token.tracking.encoded)
        case .resynchronise:
            loop.cancel(setupTimer)
            resynchronise()
        case .goLive: goLive()
        case .retry(let delay):
            retryTimer = loop.schedule(at: loop.readClock() + delay, target: self, context: Self.retryContext)
        }
    }

    private func expectAnswer() {
        loop.cancel(setupTimer)
        setupTimer = loop.schedule(
            at: loop.now + MirrorConfiguration.connectTimeout, target: self, context: Self.setupContext)
    }

    /// The address of this attempt, as it was configured.
    private var configuredAddress: SocketAddress { configuration.addresses[machine.address] }

    /// A host name is looked up anew in each attempt, off this thread.
    private func findAddress() {
        guard case .tcp(let host, let port) = configuredAddress, !ResolvedAddress.isNumeric(host) else {
            address = configuredAddress
            subscriber = connect(database: 0)
            return
        }
        let attempt = attempts
        let execute = execute
        ResolvedAddress.resolve(host: host, port: Int(port)) { found in
            execute { $0.found(found.map(\.text), attempt: attempt) }
        }
    }

    private func found(_ result: Result<String, ResolutionError>, attempt: Int) {
        guard attempt == attempts, machine.phase == .connectingSubscriber else { return }
        switch result {
        case .success(let text):
            guard let address = try? SocketAddress(text) else { return linkLost("\(text) is no address") }
            self.address = address
            subscriber = connect(database: 0)
        case .failure(let error): linkLost("\(error)")
        }
    }

    private func connect(database: Int) -> RedisConnection? {
        do throws(RedisFailure) {
            return try RedisConnection(
                loop: loop, address: address, configuration: configuration, database: database, owner: self)
        } catch {
            linkLost(error.reason)
            return nil
        }
    }

    private func connectData() {
        guard let accounts = connect(database: configuration.accounts.database) else { return }
        accountsData = accounts
        guard configuration.prices.database != configuration.accounts.database else {
            pricesData = accounts
            return
        }
        guard let prices = connect(database: configuration.prices.database) else { return }
        pricesData = prices
    }

    private func trackingCommand(_ clientID: Int64) -> RedisCommand {
        var arguments = ["CLIENT", "TRACKING", "ON", "REDIRECT", String(clientID), "BCAST"]
        let prefixes = [configuration.prices.key.prefix, configuration.accounts.key.prefix, configuration.heartbeatKey]
        for prefix in prefixes + ownKeys.prefixes { arguments += ["PREFIX", prefix] }
        return RedisCommand(arguments)
    }

    private func resynchronise() {
        if let accountsData { ownKeys.begin(on: accountsData) }
        outbox.prices.resynchronise()
        outbox.accounts.resynchronise()
        beat()
        if isResynchronised { perform(machine.valuesRead()) }
    }

    private var isResynchronised: Bool {
        ownKeys.isSynchronised && outbox.prices.isResynchronised && outbox.accounts.isResynchronised
    }

    /// Something has been read: goes live where that was the last thing to read.
    private func resynchronised() {
        guard case .resynchronising = machine.phase, isResynchronised else { return }
        perform(machine.valuesRead())
        if machine.phase == .live { confirm(at: confirmedAt) }
    }

    private func goLive() {
        for index in losses.indices { losses[index] = nil }
        onLink(true)
        log.info("redis \(configuredAddress) is mirrored")
    }

    private func linkLost(_ reason: String) {
        let wasLive = machine.phase == .live
        if wasLive { metrics.losses.add() }
        onLink(false)
        closeConnections()
        ownKeys.linkLost()
        outbox.prices.linkLost()
        outbox.accounts.linkLost()
        outbox.confirm(pricesUntil: 0, accountsUntil: 0)
        fetching = 0
        if reason != losses[machine.address] {
            let advice = RedisProblem.advice(for: reason).map { "; \($0)" } ?? ""
            log.error("redis \(configuredAddress) \(wasLive ? "is lost" : "cannot be mirrored"): \(reason)\(advice)")
            losses[machine.address] = reason
        }
        perform(machine.lost(random: Double.random(in: 0..<1)))
    }

    private func closeConnections() {
        loop.cancel(heartbeatTimer)
        loop.cancel(setupTimer)
        heartbeat = LinkHeartbeat()
        for connection in [subscriber, accountsData, pricesData].compactMap(\.self) {
            connection.close()
            retired.append(connection)
        }
        subscriber = nil
        accountsData = nil
        pricesData = nil
    }

    // MARK: Heartbeat

    private func beat() {
        let hasTwo = pricesData !== accountsData
        heartbeat.sent(at: loop.readClock(), connections: hasTwo ? 2 : 1)
        accountsData?.send(heartbeatCommand, token: Token.heartbeat.encoded)
        if hasTwo { pricesData?.send(Self.ping, token: Token.ping.encoded) }
        heartbeatTimer = loop.schedule(
            at: loop.now + configuration.heartbeatInterval, target: self, context: Self.heartbeatContext)
    }

    private func heartbeatDue() {
        guard let sentAt = heartbeat.sentAt else { return beat() }
        let silence = loop.now - sentAt
        if silence >= configuration.answerTimeout {
            linkLost("the heartbeat did not come back within \(configuration.answerTimeout / 1_000_000) ms")
        } else {
            heartbeatTimer = loop.schedule(
                at: loop.now + configuration.heartbeatInterval, target: self, context: Self.heartbeatContext)
        }
    }

    private func linkConfirmed(at sentAt: Int64) {
        let action = machine.heartbeatSeen()
        perform(action)
        // Until everything is read anew, nothing may count as fresh.
        guard machine.phase == .live else {
            confirmedAt = sentAt
            return
        }
        confirm(at: sentAt)
    }

    /// The heartbeat that came back before everything was read.
    private var confirmedAt: Int64 = 0

    private func confirm(at sentAt: Int64) {
        outbox.confirm(
            pricesUntil: sentAt + configuration.prices.maximumAge,
            accountsUntil: sentAt + configuration.accounts.maximumAge)
    }

    // MARK: Values

    private func fetch() {
        switch machine.phase {
        case .resynchronising, .live: break
        default: return
        }
        guard let pricesData, let accountsData else { return }
        let now = loop.readClock()
        ownKeys.fetch()
        fetch(outbox.accounts, .accounts, on: accountsData, now: now)
        fetch(outbox.prices, .prices, on: pricesData, now: now)
    }

    private func fetch(_ table: MirrorTable, _ kind: MirrorTable.Kind, on connection: RedisConnection, now: Int64) {
        while fetching < Self.maximumFetching, let index = table.nextFetch(now: now) {
            fetching += 1
            let commands = table.commands(index)
            connection.send(commands.ttl, token: Token.timeToLive(kind, index).encoded)
            connection.send(commands.value, token: Token.value(kind, index).encoded)
        }
    }

    private func table(_ kind: MirrorTable.Kind) -> MirrorTable {
        switch kind {
        case .prices: outbox.prices
        case .accounts: outbox.accounts
        }
    }

    private func received(_ reply: RedisReply, value index: Int, of kind: MirrorTable.Kind) {
        let fetched: MirrorTable.Fetched
        if reply.isNil {
            fetched = .absent
        } else if reply.isError {
            let problem = reply.problem
            guard problem.hasPrefix("WRONGTYPE") || problem.hasPrefix("NOPERM") else { return linkLost(problem) }
            fetched = .refused(problem)
        } else if let bytes = reply.bytes {
            fetched = .bytes(bytes)
        } else {
            return linkLost(reply.problem)
        }
        fetching -= 1
        let refused = table(kind).fetched(
            index, fetched, now: loop.readClock(), wallNow: gate_realtime_ns())
        if let refused { log.warning("\(refused.key) is refused: \(refused.reason)") }
        resynchronised()
    }

    private func invalidated(_ message: RedisReply) {
        guard let payload = message[2] else { return }
        guard !payload.isNil else {
            outbox.prices.invalidateAll()
            outbox.accounts.invalidateAll()
            ownKeys.readAll()
            return
        }
        for index in 0..<payload.count {
            guard let key = payload[index]?.string else { continue }
            metrics.invalidations.add()
            if key == configuration.heartbeatKey {
                if let sentAt = heartbeat.seen() { linkConfirmed(at: sentAt) }
            } else if !ownKeys.read(key) {
                outbox.prices.invalidate(key: key, now: loop.now)
                outbox.accounts.invalidate(key: key, now: loop.now)
            }
        }
    }
}

extension RedisMirror: RedisConnectionOwner {
    func opened(_ connection: RedisConnection) {
        perform(connection === subscriber ? machine.subscriberOpened() : machine.dataOpened())
    }

    func replied(_ connection: RedisConnection, _ reply: RedisReply, token: UInt) {
        switch Token(encoded: token) {
        case .clientID:
            guard let clientID = reply.integer else { return linkLost("CLIENT ID: \(reply.problem)") }
            perform(machine.gotClientID(clientID))
        case .tracking:
            guard reply.isOK else { return linkLost("CLIENT TRACKING: \(reply.problem)") }
            perform(machine.trackingEnabled())
        case .heartbeat:
            guard reply.isOK else { return linkLost("SET \(configuration.heartbeatKey): \(reply.problem)") }
            if let sentAt = heartbeat.answered() { linkConfirmed(at: sentAt) }
        case .ping:
            guard !reply.isError else { return linkLost("PING: \(reply.problem)") }
            if let sentAt = heartbeat.answered() { linkConfirmed(at: sentAt) }
        case .timeToLive(let kind, let index):
            guard let milliseconds = reply.integer else { return linkLost("PTTL: \(reply.problem)") }
            table(kind).fetchedTTL(index, milliseconds: milliseconds)
        case .value(let kind, let index): received(reply, value: index, of: kind)
        case .own(let serial): ownKeys.replied(reply, serial: serial)
        case nil: break
        }
    }

    func published(_ connection: RedisConnection, _ message: RedisReply) {
        switch message[0]?.string {
        case "subscribe": perform(machine.subscribed())
        case "message": invalidated(message)
        default: break
        }
    }

    func lost(_ connection: RedisConnection, reason: String) {
        retired.append(connection)
        linkLost(connection === subscriber ? "subscriber: \(reason)" : reason)
    }
}

extension RedisMirror {
    /// The token of a command of `OwnKeys`, by its number.
    static func token(ofOwn serial: UInt) -> UInt { Token.own(serial).encoded }
}

/// Tells which answer is which, in the word that hiredis carries from a command to its reply.
private enum Token: Equatable {
    case clientID
    case tracking
    case heartbeat
    case ping
    case timeToLive(MirrorTable.Kind, Int)
    case value(MirrorTable.Kind, Int)
    case own(UInt)

    /// Three bits of case, one of table, then the key's index or the command's number.
    var encoded: UInt {
        switch self {
        case .clientID: 1
        case .tracking: 2
        case .heartbeat: 3
        case .ping: 7
        case .timeToLive(let kind, let index): 4 | kind.rawValue << 3 | UInt(index) << 4
        case .value(let kind, let index): 5 | kind.rawValue << 3 | UInt(index) << 4
        case .own(let serial): 6 | serial << 4
        }
    }

    init?(encoded: UInt) {
        guard let kind = MirrorTable.Kind(rawValue: encoded >> 3 & 1) else { return nil }
        let index = Int(encoded >> 4)
        switch encoded & 7 {
        case 1: self = .clientID
        case 2: self = .tracking
        case 3: self = .heartbeat
        case 4: self = .timeToLive(kind, index)
        case 5: self = .value(kind, index)
        case 6: self = .own(UInt(index))
        case 7: self = .ping
        default: return nil
        }
    }
}
