import CHiredis
import CLinux

/// What a Redis connection tells whoever opened it. Each call is made on the loop's thread.
protocol RedisConnectionOwner: AnyObject {
    /// Connected, authenticated, on its database.
    func opened(_ connection: RedisConnection)
    /// The answer to the command that was sent with `token`; `reply` dies when this returns.
    func replied(_ connection: RedisConnection, _ reply: RedisReply, token: UInt)
    /// A message of the subscribed channel, or the confirmation of the subscription.
    func published(_ connection: RedisConnection, _ message: RedisReply)
    /// Gone, once, and never after `close`. hiredis is not on the stack: the connection may be dropped.
    func lost(_ connection: RedisConnection, reason: String)
}

/// One asynchronous hiredis connection on an event loop: opens itself up to its database, sends commands, delivers
/// replies in order, and gives up on a server that owes an answer for too long. It does not come back; its owner makes another.
///
/// hiredis frees its context itself when a connection breaks, and must not be asked to from within its callbacks: what
/// happens inside them is only noted, and dealt with once hiredis has returned (`leave`).
package final class RedisConnection: EventTarget {
    private enum State { case connecting, opening(outstanding: Int), open, closed }

    private let loop: EventLoop
    private weak var owner: (any RedisConnectionOwner)?
    private let answerTimeout: Int64
    private var state = State.connecting
    private var context: UnsafeMutablePointer<redisAsyncContext>?
    private var registration = Registration.none
    private var wanted: UInt32 = 0
    private var watched: UInt32 = 0
    /// hiredis calls on the stack.
    private var depth = 0
    private var lossReason: String?
    private var timer = TimerID.none
    private var outstanding = 0
    /// When the server last answered, or was first owed an answer.
    private var lastProgress: Int64
    private let openingCommands: [RedisCommand]

    private static let openingToken = UInt.max
    private static let connectTimer: UInt64 = 0
    private static let answerTimer: UInt64 = 1

    /// Begins to connect to a numeric address or a unix socket's path. `opened` or `lost` is called later, never from here.
    init(
        loop: EventLoop, address: SocketAddress, configuration: MirrorConfiguration, database: Int,
        owner: any RedisConnectionOwner
    ) throws(RedisFailure) {
        self.loop = loop
        self.owner = owner
        answerTimeout = configuration.answerTimeout
        lastProgress = loop.now
        openingCommands = Self.openingCommands(configuration, database: database)
        super.init()
        let context = try Self.connect(to: address)
        self.context = context
        context.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        context.pointee.ev.data = context.pointee.data
        context.pointee.ev.addRead = RedisCallbacks.addRead
        context.pointee.ev.delRead = RedisCallbacks.deleteRead
        context.pointee.ev.addWrite = RedisCallbacks.addWrite
        context.pointee.ev.delWrite = RedisCallbacks.deleteWrite
        context.pointee.ev.cleanup = RedisCallbacks.cleanup
        do throws(SystemError) {
            registration = try loop.register(context.pointee.c.fd, events: 0, target: self)
        } catch {
            redisAsyncFree(context)
            throw RedisFailure("\(error)")
        }
        redisAsyncSetConnectCallback(context, RedisCallbacks.connected)
        syncInterest()
        timer = loop.schedule(
            at: loop.now + MirrorConfiguration.connectTimeout, target: self, context: Self.connectTimer)
    }

    deinit {
        precondition(context == nil, "a Redis connection is closed before it is dropped")
    }

    private static func connect(
        to address: SocketAddress
    ) throws(RedisFailure) -> UnsafeMutablePointer<redisAsyncContext> {
        let made =
            switch address {
            case .tcp(let host, let port): redisAsyncConnect(host, Int32(port))
            case .unix(let path): redisAsyncConnectUnix(path)
            }
        guard let context = made else { throw RedisFailure("out of memory") }
        if context.pointee.err != 0 {
            let reason = String(cString: context.pointee.errstr)
            redisAsyncFree(context)
            throw RedisFailure(reason)
        }
        return context
    }

    private static func openingCommands(_ configuration: MirrorConfiguration, database: Int) -> [RedisCommand] {
        var commands: [RedisCommand] = []
        if let password = configuration.password {
            commands.append(
                configuration.user.map { RedisCommand("AUTH", $0, password) } ?? RedisCommand("AUTH", password))
        }
        if database != 0 { commands.append(RedisCommand("SELECT", String(database))) }
        return commands
    }

    // MARK: Use

    /// Appends a command; `flush` sends it. Its answer comes with `token`.
    func send(_ command: RedisCommand, token: UInt) {
        guard let context else { return }
        if outstanding == 0 { lastProgress = loop.now }
        outstanding += 1
        depth += 1
        let result = command.withText { text, length in
            redisAsyncFormattedCommand(
                context, RedisCallbacks.replied, UnsafeMutableRawPointer(bitPattern: token), text, length)
        }
        if result != REDIS_OK { lose("the command could not be sent") }
        depth -= 1
    }

    /// Turns the connection into the subscriber of a channel: nothing else can be sent on it from then on.
    func subscribe(to channel: String) {
        guard let context else { return }
        depth += 1
        let result = RedisCommand("SUBSCRIBE", channel).withText { text, length in
            redisAsyncFormattedCommand(context, RedisCallbacks.published, nil, text, length)
        }
        if result != REDIS_OK { lose("the subscription could not be sent") }
        depth -= 1
    }

    /// Writes what was appended, in this turn.
    func flush() {
        guard let context, depth == 0 else { return }
        depth += 1
        if wanted & EPOLLOUT.rawValue != 0, !isConnecting { redisAsyncHandleWrite(context) }
        leave()
    }

    /// Ends the connection; its owner hears nothing more of it. It must be kept until the end of the turn.
    func close() {
        owner = nil
        state = .closed
        if depth == 0 { free() }
    }

    private var isConnecting: Bool {
        if case .connecting = state { true } else { false }
    }

    // MARK: The loop's calls

    override package func ready(_ events: UInt32) {
        guard let context else { return }
        depth += 1
        if events & (EPOLLIN.rawValue | EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { redisAsyncHandleRead(context) }
        if events & EPOLLOUT.rawValue != 0, self.context != nil { redisAsyncHandleWrite(context) }
        leave()
    }

    override package func fired(_ context: UInt64) {
        timer = .none
        switch (context, state) {
        case (Self.connectTimer, .connecting): fail("no connection within 250 ms")
        case (Self.connectTimer, .opening): fail("no answer to AUTH or SELECT within 250 ms")
        case (Self.answerTimer, .open) where outstanding > 0:
            let silence = loop.now - lastProgress
            if silence >= answerTimeout {
                fail("no answer within \(answerTimeout / 1_000_000) ms")
            } else {
                scheduleAnswerTimer()
            }
        case (Self.answerTimer, .open): scheduleAnswerTimer()
        default: break
        }
    }

    // MARK: hiredis' calls

    func connected(status: Int32) {
        // After a failure hiredis ends the context at once, and then knows why.
        guard status == REDIS_OK else { return }
        if openingCommands.isEmpty {
            becomeOpen()
            return
        }
        state = .opening(outstanding: openingCommands.count)
        for command in openingCommands { send(command, token: Self.openingToken) }
    }

    /// The context's last call before hiredis closes its socket and frees it.
    func contextEnds() {
        loop.deregister(registration)
        registration = .none
        lose(errorText ?? "the connection was closed")
        context = nil
    }

    func replied(_ reply: RedisReply?, token: UInt) {
        guard let reply else { return }
        outstanding -= 1
        lastProgress = loop.now
        guard token == Self.openingToken else {
            owner?.replied(self, reply, token: token)
            return
        }
        guard case .opening(let outstanding) = state else { return }
        if !reply.isOK {
            lose(reply.problem)
        } else if outstanding == 1 {
            becomeOpen()
        } else {
            state = .opening(outstanding: outstanding - 1)
        }
    }

    func published(_ message: RedisReply?) {
        guard let message else { return }
        owner?.published(self, message)
    }

    func wantsRead(_ wants: Bool) { want(EPOLLIN.rawValue, wants) }

    func wantsWrite(_ wants: Bool) { want(EPOLLOUT.rawValue, wants) }

    // MARK: Inner steps

    private var errorText: String? {
        guard let context, context.pointee.err != 0, let text = context.pointee.errstr else { return nil }
        return String(cString: text)
    }

    private func becomeOpen() {
        state = .open
        loop.cancel(timer)
        scheduleAnswerTimer()
        owner?.opened(self)
    }

    private func scheduleAnswerTimer() {
        let from = outstanding > 0 ? lastProgress : loop.now
        timer = loop.schedule(at: from + answerTimeout, target: self, context: Self.answerTimer)
    }

    /// Notes that the connection is over; the first reason counts.
    private func lose(_ reason: String) {
        if lossReason == nil { lossReason = reason }
    }

    private func fail(_ reason: String) {
        depth += 1
        lose(reason)
        leave()
    }

    /// Comes back from hiredis: frees and reports what was noted meanwhile.
    private func leave() {
        depth -= 1
        guard depth == 0 else { return }
        guard lossReason != nil || isClosed else {
            syncInterest()
            return
        }
        let told = owner
        let reason = lossReason ?? ""
        close()
        told?.lost(self, reason: reason)
    }

    private var isClosed: Bool {
        if case .closed = state { true } else { false }
    }

    private func free() {
        loop.cancel(timer)
        guard let context else { return }
        redisAsyncFree(context)
    }

    private func want(_ event: UInt32, _ wants: Bool) {
        wanted = wants ? wanted | event : wanted & ~event
    }

    private func syncInterest() {
        guard wanted != watched, context != nil else { return }
        watched = wanted
        loop.modify(registration, events: wanted)
    }
}

/// Why a connection could not be begun.
struct RedisFailure: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}
