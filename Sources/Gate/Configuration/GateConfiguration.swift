package import RiskRules

/// Everything that `gate run` is told: the configuration file with the environment's overrides, read and judged.
/// Defaults stand at the members; a member without one is needed in the file.
package struct GateConfiguration: Equatable, Sendable {
    /// What becomes of an order that was refused.
    package enum Mode: String, CaseIterable, Sendable {
        /// It is answered with its reason.
        case enforce
        /// It is decided and counted, and forwarded all the same.
        case shadow
    }

    /// What becomes of an order that no enforced hard rule of the tables Order and Exposure binds.
    package enum Ungoverned: String, CaseIterable, Sendable { case reject, pass }

    /// What becomes of calls to gRPC services of which the order mapping names no method.
    package enum Unmatched: String, CaseIterable, Sendable { case pass, deny }

    /// This Gate's name towards Redis, other Gates and people: 1 to 64 of `[A-Za-z0-9._-]`. Default: the host's name.
    package var instance: String
    package var mode = Mode.enforce
    /// Where strategies connect. Port 0 takes any free one.
    package var listen: SocketAddress
    /// The order-execution endpoint.
    package var upstream: Upstream
    /// Where the admin HTTP server listens. Port 0 takes any free one.
    package var admin = SocketAddress.tcp(host: "127.0.0.1", port: 8083)
    /// Path of the order mapping, and where it is named.
    package var orders: Located<String>
    /// Path of the directory of rule files, and where it is named.
    package var rules: Located<String>
    /// Path of the directory that keeps latched stops and the journal.
    package var stateDirectory = "/var/lib/gate"
    package var journal = JournalConfiguration()
    package var redis = Redis()
    package var listener = Listener()
    package var keepalive = Keepalive()
    package var limits = Limits()
    package var breaker = Breaker()
    /// TLS on either side; none where it says nothing.
    package var tls = TLSSettings()
    /// Whose connections may trade for whom; empty: anybody's for anybody.
    package var identities: [IdentityBinding] = []
    package var unwind = Unwind()
    package var ungoverned = Ungoverned.reject
    /// How long after the last event the order thread goes on asking for the next without sleeping; it then has a core to itself.
    package var spin = Duration.zero
    package var unmatched = Unmatched.pass
    /// User ids of unix-socket peers that may resume and settle without the token.
    package var adminUIDs: [UInt32] = []
    /// What resume and settle need as bearer token; from `GATE_ADMIN_TOKEN` alone, nil where that is unset or empty.
    package var adminToken: String?

    package init(
        instance: String, listen: SocketAddress, upstream: Upstream, orders: Located<String>,
        rules: Located<String>
    ) {
        self.instance = instance
        self.listen = listen
        self.upstream = upstream
        self.orders = orders
        self.rules = rules
    }

    /// Where the journal is.
    package var journalDirectory: String { "\(stateDirectory)/journal" }
}

extension GateConfiguration {
    /// Where orders are sent.
    package enum Upstream: Equatable, Sendable {
        case address(SocketAddress)
        /// Where each client meant to connect before the host redirected its connection here.
        case originalDestination

        /// How a file writes the latter.
        package static let originalDestinationText = "original-destination"
    }

    /// How strategies' connections are taken.
    package struct Listener: Equatable, Sendable {
        /// Whether a connection begins with the PROXY protocol's header.
        package enum ProxyProtocol: String, CaseIterable, Sendable { case off, required }

        /// Permissions of a unix socket's file.
        package var socketMode: UInt32 = 0o660
        /// User ids that may connect to a unix socket; empty: whoever may open the file.
        package var peerUIDs: [UInt32] = []
        package var proxyProtocol = ProxyProtocol.off
        /// Numeric addresses of the proxies.
        package var proxyPeers: [String] = []
        /// By when the header must have come.
        package var proxyTimeout = Duration.seconds(1)
        package init() {}
    }

    /// When a silent peer is asked whether it is still there, and how long it may take to answer.
    package struct Keepalive: Equatable, Sendable {
        package var clientIdle = Duration.seconds(60)
        package var clientTimeout = Duration.seconds(10)
        /// While the endpoint owes an answer to an order or a cancel.
        package var upstreamActive = Duration.seconds(10)
        package var upstreamIdle = Duration.seconds(300)
        package var upstreamTimeout = Duration.seconds(2)
        package init() {}
    }

    /// Where prices and account state are mirrored from.
    package struct Redis: Equatable, Sendable {
        /// What a value's age is counted by.
        package enum Age: String, CaseIterable, Sendable {
            /// By its `as_of`, or else by when its key was last seen written.
            case value
            /// Not at all while the link lives: for feeds that write only changes.
            case link
        }

        package struct Prices: Equatable, Sendable {
            /// Number of the Redis database.
            package var database = 1
            package var key = KeyTemplate(prefix: "market:prices:", suffix: "")
            /// Field of a JSON object that holds the price; empty: the value itself is the number.
            package var field = ""
            /// Age up to which a price counts.
            package var maxAge = Duration.seconds(1)
            package var age = Age.value
            package init() {}
        }

        package struct Accounts: Equatable, Sendable {
            /// Number of the Redis database; every `gate:` key stands there too.
            package var database = 0
            package var key = KeyTemplate(prefix: "account:state:", suffix: "")
            /// Age up to which an account's state counts.
            package var maxAge = Duration.seconds(2)
            package var age = Age.value
            /// How much later than an order's answer a snapshot's `as_of` must be to settle the order.
            package var settleAfter = Duration.seconds(1)
            /// How much later than the moment an outcome became unknown a snapshot's `as_of` must be to settle it.
            package var unknownAfter = Duration.seconds(30)
            package init() {}
        }

        /// Where Redis may be: tried in turn until one of them can be mirrored. Not empty.
        package var addresses = [SocketAddress.tcp(host: "127.0.0.1", port: 6379)]
        /// From `GATE_REDIS_USER` alone, nil where that is unset or empty.
        package var user: String?
        /// From `GATE_REDIS_PASSWORD` alone, nil where that is unset or empty.
        package var password: String?
        package var prices = Prices()
        package var accounts = Accounts()
        /// How long a first-seen symbol or account may hold its order while it is fetched.
        package var wait = Duration.milliseconds(5)
        package init() {}
    }

    /// Whether and how Gate cancels open orders and closes positions when a stop is latched.
    package struct Unwind: Equatable, Sendable {
        /// What latched a stop.
        package enum Trigger: String, CaseIterable, Sendable {
            /// An emergency rule.
            case rule
            /// A person, by whatever means.
            case person
            /// The circuit breaker.
            case breaker
            /// Another Gate of the same Redis.
            case peer
        }

        package var isEnabled = false
        /// The stops that are unwound.
        package var triggers: Set<Trigger> = [.rule]
        /// Cancels and closing orders that are under way at once.
        package var concurrency = 8
        /// How long one of them may take.
        package var timeout = Duration.seconds(5)
        /// How often one order is cancelled, or one position closed, to no effect.
        package var attempts = 5
        /// Before the second attempt; twice as long before each further one, 10 s at most.
        package var backoff = Duration.milliseconds(250)
        /// What cancels and closing orders name as their strategy, where the order API has a place for it; nil: none.
        package var strategy: Located<String>?
        /// What closing orders name as their time in force; nil: none.
        package var timeInForce: Located<String>?
        package init() {}
    }

    /// When the circuit breaker stops trading.
    package struct Breaker: Equatable, Sendable {
        /// What it stops.
        package enum Scope: String, CaseIterable, Sendable {
            /// The account or strategy that tripped it.
            case own
            /// Everything.
            case global
        }

        /// Times within the window that an account may go from keeping an enforced hard rule to breaking it before it is stopped,
        /// the last one stopping it; 0: never.
        package var violations = 5
        /// Rejects by hard rules within the window that stop a strategy, or the account of orders that name none; 0: never.
        package var rejects = 0
        package var window = Duration.seconds(60)
        package var scope = Scope.own
        package init() {}
    }

    /// Bounds on what one Gate takes in.
    package struct Limits: Equatable, Sendable {
        /// Bytes of one order message, judged from its length prefix.
        package var maxOrderBytes = 65_536
        package var maxObservedBytes = 262_144
        /// Client connections open at once.
        package var maxConnections = 1024
        /// Orders under way per client connection; an eighth is kept for cancels.
        package var maxInFlightOrders = 1000
        /// How long streams may finish after SIGTERM.
        package var drainTimeout = Duration.seconds(25)
        /// Silence of the endpoint on an order or cancel after which its outcome is unknown.
        package var requestTimeout = Duration.seconds(30)
        /// How long connecting to the endpoint may take.
        package var connectTimeout = Duration.milliseconds(250)
        /// How long bytes sent to the endpoint may stay unacknowledged (TCP_USER_TIMEOUT).
        package var userTimeout = Duration.seconds(5)
        /// Calls after which an endpoint connection is replaced: half of its stream ids are left then. A client's is ended after
        /// twice as many.
        package var callsPerConnection = 268_435_456
        /// Initial margin, as a fraction of notional, of instruments that name none: above 0, at most 1. Default 0.1.
        package var initialMargin = FixedPoint(units: FixedPoint.scale / 10)
        /// Client order ids remembered per account.
        package var clientOrderIDs = 100_000
        /// Symbols whose prices are mirrored at once, and accounts whose state is; past it the least recently used makes room.
        package var mirroredSymbols = 16_384
        package var mirroredAccounts = 1024
        /// Lines of refused orders in the log; the journal has all.
        package var loggedRejects = HTTP2Limits.Rate(burst: 1000, perSecond: 100)
        /// Client connections of one machine open at once.
        package var maxConnectionsPerHost = 1024
        /// How long no connection is taken after descriptors have run out.
        package var acceptPause = Duration.milliseconds(100)
        /// What one client's connection may cost.
        package var http2 = HTTP2Limits()
        package init() {}
    }
}

/// A Redis key with a name in it, as `market:prices:{symbol}`.
package struct KeyTemplate: Hashable, Sendable, CustomStringConvertible {
    /// What stands before the name: what client-side caching tracks. Not empty.
    package var prefix: String
    package var suffix: String

    package init(prefix: String, suffix: String) {
        self.prefix = prefix
        self.suffix = suffix
    }

    /// Takes a template apart; nil unless it holds the placeholder, as `{symbol}`, once, no other brace, and text before it.
    package init?(_ text: String, placeholder: String) {
        guard let opening = text.firstIndex(of: "{"), let closing = text.firstIndex(of: "}"), opening < closing,
            text[opening...closing] == placeholder, opening != text.startIndex
        else { return nil }
        prefix = String(text[..<opening])
        suffix = String(text[text.index(after: closing)...])
        guard !suffix.contains(where: { $0 == "{" || $0 == "}" }) else { return nil }
    }

    /// The key of one name.
    package func key(of name: String) -> String { prefix + name + suffix }

    /// The name that such a key was made of.
    package func name(in key: String) -> String { String(key.dropFirst(prefix.count).dropLast(suffix.count)) }

    package var description: String { "\(prefix){…}\(suffix)" }
}
