import Gate
import RiskRules
import Testing

@Suite struct ConfigurationReaderTests {
    private static let needed = """
        listen: 127.0.0.1:50051
        upstream: 127.0.0.1:50061
        orders: orders/b25.yaml
        rules: ../rules

        """

    private func read(
        _ text: String, environment: [String: String] = [:], file: String = "deploy/gate.yaml"
    ) -> Result<GateConfiguration, ConfigurationProblems> {
        ConfigurationReader.read(file: file, environment: environment, hostName: "host-1") { _ in Array(text.utf8) }
    }

    private func problems(_ text: String, environment: [String: String] = [:]) -> [String] {
        guard case .failure(let failure) = read(text, environment: environment) else { return [] }
        return failure.problems.map(\.description)
    }

    @Test("what the file leaves out has its default")
    func defaults() throws {
        let configuration = try read(Self.needed).get()
        #expect(configuration.instance == "host-1")
        #expect(configuration.mode == .enforce)
        #expect(configuration.listen == .tcp(host: "127.0.0.1", port: 50051))
        #expect(configuration.upstream == .address(.tcp(host: "127.0.0.1", port: 50061)))
        #expect(configuration.admin == .tcp(host: "127.0.0.1", port: 8083))
        #expect(configuration.stateDirectory == "/var/lib/gate")
        #expect(configuration.ungoverned == .reject)
        #expect(configuration.unmatched == .pass)
        #expect(configuration.adminUIDs.isEmpty)
        #expect(configuration.adminToken == nil)

        let redis = configuration.redis
        #expect(redis.addresses == [.tcp(host: "127.0.0.1", port: 6379)])
        #expect(redis.user == nil)
        #expect(redis.password == nil)
        #expect(redis.wait == .milliseconds(5))
        #expect(redis.prices.database == 1)
        #expect(redis.prices.key.key(of: "BTCUSDT") == "market:prices:BTCUSDT")
        #expect(redis.prices.field.isEmpty)
        #expect(redis.prices.maxAge == .seconds(1))
        #expect(redis.prices.age == .value)
        #expect(redis.accounts.database == 0)
        #expect(redis.accounts.key.key(of: "a-1") == "account:state:a-1")
        #expect(redis.accounts.maxAge == .seconds(2))
        #expect(redis.accounts.age == .value)
        #expect(redis.accounts.settleAfter == .seconds(1))
        #expect(redis.accounts.unknownAfter == .seconds(30))

        #expect(configuration.spin == .zero)
        let limits = configuration.limits
        #expect(limits.maxOrderBytes == 65_536)
        #expect(limits.maxObservedBytes == 262_144)
        #expect(limits.maxConnections == 1024)
        #expect(limits.maxInFlightOrders == 1000)
        #expect(limits.drainTimeout == .seconds(25))
        #expect(limits.requestTimeout == .seconds(30))
        #expect(limits.initialMargin == FixedPoint(units: 1_000_000_000))
        #expect(limits.clientOrderIDs == 100_000)
        #expect(limits.maxConnectionsPerHost == 1024)
        #expect(limits.acceptPause == .milliseconds(100))
        #expect(limits.http2 == HTTP2Limits())
        #expect(limits.connectTimeout == .milliseconds(250))
        #expect(limits.userTimeout == .seconds(5))
        #expect(limits.callsPerConnection == 268_435_456)

        let listener = configuration.listener
        #expect(listener.socketMode == 0o660)
        #expect(listener.peerUIDs.isEmpty)
        #expect(listener.proxyProtocol == .off)
        #expect(listener.proxyPeers.isEmpty)
        #expect(listener.proxyTimeout == .seconds(1))

        let keepalive = configuration.keepalive
        #expect(keepalive.clientIdle == .seconds(60))
        #expect(keepalive.clientTimeout == .seconds(10))
        #expect(keepalive.upstreamActive == .seconds(10))
        #expect(keepalive.upstreamIdle == .seconds(300))
        #expect(keepalive.upstreamTimeout == .seconds(2))
    }

    @Test("how connections are taken is read")
    func listenerIsRead() throws {
        let text =
            Self.needed + """
                listener: {socket_mode: "0600", peer_uids: [0, 1000], proxy_protocol: required, proxy_peers: [10.0.0.1, "::1"]}

                """
        let listener = try read(text).get().listener
        #expect(listener.socketMode == 0o600)
        #expect(listener.peerUIDs == [0, 1000])
        #expect(listener.proxyProtocol == .required)
        #expect(listener.proxyPeers == ["10.0.0.1", "::1"])
        #expect(
            try read(Self.needed.replacing("upstream: 127.0.0.1:50061", with: "upstream: original-destination")).get()
                .upstream == .originalDestination)
    }

    @Test(
        "a bad word about connections is a problem at its place",
        arguments: [
            (
                "listener: {socket_mode: \"0888\"}",
                "6:25: listener.socket_mode: \"0888\" is no file mode; write octal digits, as \"0660\""
            ),
            (
                "listener: {socket_mode: 66}",
                "6:25: listener.socket_mode: \"66\" is no file mode; write octal digits, as \"0660\""
            ),
            (
                "listener: {peer_uids: [-1]}",
                "6:24: listener.peer_uids: a whole number from 0 to 4294967294 belongs here, found \"-1\""
            ),
            ("listener: {proxy_peers: [localhost]}", "6:26: listener.proxy_peers: \"localhost\" is no IP address"),
            (
                "listener: {proxy_protocol: required}",
                "6:11: listener.proxy_peers: needed where proxy_protocol is required; list the proxies' IP addresses"
            ),
            (
                "keepalive: {upstream_timeout: 5ms}",
                "6:31: keepalive.upstream_timeout: a duration from 10ms to 1m belongs here, found \"5ms\""
            ),
            (
                "limits: {calls_per_connection: 0}",
                "6:32: limits.calls_per_connection: a whole number from 1 to 268435456 belongs here, found \"0\""
            ),
        ])
    func badConnections(_ line: String, _ problem: String) {
        #expect(problems(Self.needed + "\n" + line + "\n") == ["deploy/gate.yaml:" + problem])
    }

    @Test("a unix socket's connections cannot be redirected")
    func unixIsNotRedirected() {
        let text = Self.needed.replacing("127.0.0.1:50051", with: "unix:/run/gate").replacing(
            "127.0.0.1:50061", with: "original-destination")
        #expect(
            problems(text) == [
                "deploy/gate.yaml:2:11: upstream: a unix socket's connections are not redirected; listen on host:port, or write an address"
            ])
    }

    @Test("the shipped file states every default")
    func shippedFileStatesTheDefaults() throws {
        let path = Fixtures.repository + "/deploy/gate.yaml"
        let shipped = try ConfigurationReader.read(
            file: path, environment: [:], hostName: "host-1",
            contents: { path throws(SystemError) in try FileReader.read(path) }
        ).get()
        var expected = try read(Self.needed).get()
        expected.orders = Located(Fixtures.repository + "/deploy/orders/b25.yaml", at: shipped.orders.location)
        expected.rules = Located(Fixtures.repository + "/deploy/../rules", at: shipped.rules.location)
        #expect(shipped == expected)
    }

    @Test(
        "paths are relative to the configuration file",
        arguments: [
            ("deploy/gate.yaml", "deploy/orders/b25.yaml"), ("/etc/gate/gate.yaml", "/etc/gate/orders/b25.yaml"),
            ("gate.yaml", "orders/b25.yaml"),
        ])
    func pathsAreRelativeToTheFile(_ file: String, _ orders: String) throws {
        #expect(try read(Self.needed, file: file).get().orders.value == orders)
        let absolute = Self.needed.replacing("orders/b25.yaml", with: "/srv/b25.yaml")
        #expect(try read(absolute, file: file).get().orders.value == "/srv/b25.yaml")
    }

    @Test("a file that cannot be read is a problem that names it")
    func unreadableFileIsAProblem() {
        let result = ConfigurationReader.read(
            file: "/nowhere/gate.yaml", environment: [:], hostName: "h",
            contents: { path throws(SystemError) in try FileReader.read(path) })
        guard case .failure(let failure) = result else {
            Issue.record("read")
            return
        }
        #expect(
            failure.problems.map(\.description) == [
                "/nowhere/gate.yaml:1:1: cannot be read: open: No such file or directory"
            ])
    }

    // MARK: Environment

    private typealias Override = (variable: String, value: String, holds: @Sendable (GateConfiguration) -> Bool)
    private static let overrides: [Override] = [
        ("INSTANCE", "other", { $0.instance == "other" }),
        ("MODE", "shadow", { $0.mode == .shadow }),
        ("LISTEN", "unix:/run/gate", { $0.listen == .unix(path: "/run/gate") }),
        ("UPSTREAM", "[::1]:9", { $0.upstream == .address(.tcp(host: "::1", port: 9)) }),
        ("ADMIN", "127.0.0.1:0", { $0.admin == .tcp(host: "127.0.0.1", port: 0) }),
        ("ORDERS", "o.yaml", { $0.orders.value == "deploy/o.yaml" }),
        ("RULES", "/srv/rules", { $0.rules.value == "/srv/rules" }),
        ("STATE_DIR", "state", { $0.stateDirectory == "deploy/state" }),
        ("REDIS_ADDRESS", "redis:1", { $0.redis.addresses == [.tcp(host: "redis", port: 1)] }),
        (
            "REDIS_ADDRESSES", "redis:1,unix:/run/redis,[::1]:2",
            {
                $0.redis.addresses == [
                    .tcp(host: "redis", port: 1), .unix(path: "/run/redis"), .tcp(host: "::1", port: 2),
                ]
            }
        ),
        ("REDIS_WAIT", "7ms", { $0.redis.wait == .milliseconds(7) }),
        ("REDIS_PRICES_DB", "3", { $0.redis.prices.database == 3 }),
        ("REDIS_PRICES_KEY", "p:{symbol}:x", { $0.redis.prices.key == KeyTemplate(prefix: "p:", suffix: ":x") }),
        ("REDIS_PRICES_FIELD", "last", { $0.redis.prices.field == "last" }),
        ("REDIS_PRICES_MAX_AGE", "3s", { $0.redis.prices.maxAge == .seconds(3) }),
        ("REDIS_PRICES_AGE", "link", { $0.redis.prices.age == .link }),
        ("REDIS_ACCOUNTS_DB", "4", { $0.redis.accounts.database == 4 }),
        ("REDIS_ACCOUNTS_KEY", "a:{account}", { $0.redis.accounts.key.prefix == "a:" }),
        ("REDIS_ACCOUNTS_MAX_AGE", "4s", { $0.redis.accounts.maxAge == .seconds(4) }),
        ("REDIS_ACCOUNTS_AGE", "link", { $0.redis.accounts.age == .link }),
        ("REDIS_ACCOUNTS_SETTLE_AFTER", "5s", { $0.redis.accounts.settleAfter == .seconds(5) }),
        ("REDIS_ACCOUNTS_UNKNOWN_AFTER", "6s", { $0.redis.accounts.unknownAfter == .seconds(6) }),
        ("SPIN", "2ms", { $0.spin == .milliseconds(2) }),
        ("LIMITS_MAX_ORDER_BYTES", "128", { $0.limits.maxOrderBytes == 128 }),
        ("LIMITS_MAX_OBSERVED_BYTES", "128", { $0.limits.maxObservedBytes == 128 }),
        ("LIMITS_MAX_CONNECTIONS", "2", { $0.limits.maxConnections == 2 }),
        ("LIMITS_MAX_IN_FLIGHT_ORDERS", "16", { $0.limits.maxInFlightOrders == 16 }),
        ("LIMITS_DRAIN_TIMEOUT", "1m", { $0.limits.drainTimeout == .seconds(60) }),
        ("LIMITS_REQUEST_TIMEOUT", "2s", { $0.limits.requestTimeout == .seconds(2) }),
        ("LIMITS_INITIAL_MARGIN", "0.25", { $0.limits.initialMargin == FixedPoint(units: 2_500_000_000) }),
        ("LIMITS_LOGGED_REJECTS_BURST", "9", { $0.limits.loggedRejects.burst == 9 }),
        ("LIMITS_LOGGED_REJECTS_PER_SECOND", "9", { $0.limits.loggedRejects.perSecond == 9 }),
        ("LIMITS_MIRRORED_SYMBOLS", "8", { $0.limits.mirroredSymbols == 8 }),
        ("LIMITS_MIRRORED_ACCOUNTS", "7", { $0.limits.mirroredAccounts == 7 }),
        ("LIMITS_CLIENT_ORDER_IDS", "9", { $0.limits.clientOrderIDs == 9 }),
        ("LIMITS_MAX_CONNECTIONS_PER_HOST", "3", { $0.limits.maxConnectionsPerHost == 3 }),
        ("LIMITS_ACCEPT_PAUSE", "1ms", { $0.limits.acceptPause == .milliseconds(1) }),
        ("LIMITS_MAX_HEADER_BYTES", "4096", { $0.limits.http2.headerBytes == 4096 }),
        ("LIMITS_MAX_HEADER_FIELDS", "32", { $0.limits.http2.headerFields == 32 }),
        ("LIMITS_MAX_CONTINUATION_FRAMES", "2", { $0.limits.http2.continuationFrames == 2 }),
        ("LIMITS_MAX_OVERSIZED_HEADERS", "0", { $0.limits.http2.oversizedHeaders == 0 }),
        ("LIMITS_MAX_SETTINGS_ENTRIES", "8", { $0.limits.http2.settingsEntries == 8 }),
        ("LIMITS_MAX_QUEUED_ACKNOWLEDGEMENTS", "8", { $0.limits.http2.queuedAcknowledgements == 8 }),
        ("LIMITS_MAX_QUEUED_FRAMES", "256", { $0.limits.http2.queuedFrames == 256 }),
        ("LIMITS_MAX_BUFFERED_BYTES", "1048576", { $0.limits.http2.bufferedBytes == 1_048_576 }),
        ("LIMITS_MAX_CALLS_PER_TURN", "1", { $0.limits.http2.callsPerTurn == 1 }),
        ("LIMITS_RESETS_BURST", "9", { $0.limits.http2.resets.burst == 9 }),
        ("LIMITS_RESETS_PER_SECOND", "9", { $0.limits.http2.resets.perSecond == 9 }),
        ("LIMITS_PREMATURE_RESETS_BURST", "9", { $0.limits.http2.prematureResets.burst == 9 }),
        ("LIMITS_PREMATURE_RESETS_PER_SECOND", "9", { $0.limits.http2.prematureResets.perSecond == 9 }),
        ("LIMITS_MAX_PROVOKED_RESETS", "0", { $0.limits.http2.provokedResets == 0 }),
        ("LIMITS_CONTROL_FRAMES_BURST", "9", { $0.limits.http2.controlFrames.burst == 9 }),
        ("LIMITS_CONTROL_FRAMES_PER_SECOND", "9", { $0.limits.http2.controlFrames.perSecond == 9 }),
        ("LIMITS_MAX_EMPTY_FRAMES", "1", { $0.limits.http2.emptyFrames == 1 }),
        ("LIMITS_DRIBBLED_FRAMES_BURST", "9", { $0.limits.http2.dribbledFrames.burst == 9 }),
        ("LIMITS_DRIBBLED_FRAMES_PER_SECOND", "9", { $0.limits.http2.dribbledFrames.perSecond == 9 }),
        ("LIMITS_PREFACE_TIMEOUT", "100ms", { $0.limits.http2.prefaceTimeout == .milliseconds(100) }),
        ("LIMITS_SETTINGS_TIMEOUT", "100ms", { $0.limits.http2.settingsTimeout == .milliseconds(100) }),
        (
            "LIMITS_SETTINGS_ACKNOWLEDGEMENT_TIMEOUT", "100ms",
            { $0.limits.http2.settingsAcknowledgementTimeout == .milliseconds(100) }
        ),
        ("LIMITS_HEADER_TIMEOUT", "100ms", { $0.limits.http2.headerTimeout == .milliseconds(100) }),
        ("LIMITS_BODY_TIMEOUT", "100ms", { $0.limits.http2.bodyTimeout == .milliseconds(100) }),
        ("LIMITS_STALL_TIMEOUT", "100ms", { $0.limits.http2.stallTimeout == .milliseconds(100) }),
        ("LIMITS_IDLE_TIMEOUT", "1s", { $0.limits.http2.idleTimeout == .seconds(1) }),
        ("UNGOVERNED", "pass", { $0.ungoverned == .pass }),
        ("UNMATCHED", "deny", { $0.unmatched == .deny }),
    ]

    @Test("each single value is overridden by its variable, and by no other", arguments: overrides.indices)
    func valueIsOverridden(_ index: Int) throws {
        let override = Self.overrides[index]
        let unchanged = try read(Self.needed).get()
        #expect(!override.holds(unchanged))
        let changed = try read(Self.needed, environment: ["GATE_CONFIG_" + override.variable: override.value]).get()
        #expect(override.holds(changed))
    }

    @Test("an override takes the place of what the file says, and of what it lacks")
    func overrideWinsOverTheFile() throws {
        let text = Self.needed.replacing("listen: 127.0.0.1:50051", with: "limits: {max_connections: 5}")
        let environment = ["GATE_CONFIG_LISTEN": "a:1", "GATE_CONFIG_LIMITS_MAX_CONNECTIONS": "6"]
        let configuration = try read(text, environment: environment).get()
        #expect(configuration.listen == .tcp(host: "a", port: 1))
        #expect(configuration.limits.maxConnections == 6)
    }

    @Test("an override is judged like the file, and an unknown one is a problem that names it")
    func badOverridesAreProblems() {
        let environment = [
            "GATE_CONFIG_LIMITS_MAX_CONNECTIONS": "many", "GATE_CONFIG_REDIS_ADRESS": "a:1", "GATE_CONFIG_LIMITS": "{}",
            "GATE_CONFIG_ADMIN_UIDS": "[1]", "GATE_CONFIG_LISTEN": "",
        ]
        let advice = "GATE_CONFIG_… overrides the single values of the configuration file"
        #expect(
            problems(Self.needed, environment: environment) == [
                "environment GATE_CONFIG_ADMIN_UIDS:1:1: no such setting; \(advice)",
                "environment GATE_CONFIG_LIMITS:1:1: no such setting; \(advice)",
                "environment GATE_CONFIG_LIMITS_MAX_CONNECTIONS:1:1: limits.max_connections: "
                    + "a whole number from 1 to 65536 belongs here, found \"many\"",
                "environment GATE_CONFIG_LISTEN:1:1: listen: a text that is not empty belongs here, found \"\"",
                "environment GATE_CONFIG_REDIS_ADRESS:1:1: no such setting; \(advice); "
                    + "did you mean GATE_CONFIG_REDIS_ADDRESS?",
            ])
    }

    @Test("secrets come from the environment, other variables are left alone")
    func secretsComeFromTheEnvironment() throws {
        let environment = [
            "GATE_ADMIN_TOKEN": "t", "GATE_REDIS_USER": "u", "GATE_REDIS_PASSWORD": "p", "GATE_ADMIN": "x", "GATE_": "",
            "HOME": "/",
        ]
        let configuration = try read(Self.needed, environment: environment).get()
        #expect(configuration.adminToken == "t")
        #expect(configuration.redis.user == "u")
        #expect(configuration.redis.password == "p")
        let empty = try read(Self.needed, environment: environment.mapValues { _ in "" }).get()
        #expect(empty.adminToken == nil)
        #expect(empty.redis.user == nil)
        #expect(empty.redis.password == nil)
    }

    // MARK: Bounds

    private static let bounds: [(key: String, allowed: [String], refused: [String])] = [
        ("spin", ["0s", "1s"], ["1001ms", "-1ms"]),
        ("limits.max_order_bytes", ["64", "16777216"], ["63", "16777217"]),
        ("limits.max_observed_bytes", ["64", "16777216"], ["63", "16777217"]),
        ("limits.max_connections", ["1", "65536"], ["0", "65537"]),
        ("limits.max_in_flight_orders", ["8", "100000"], ["7", "100001"]),
        ("limits.drain_timeout", ["0s", "1h"], ["3601s", "-1s"]),
        ("limits.request_timeout", ["10ms", "1h"], ["9ms", "3601s"]),
        (
            "limits.initial_margin", ["0.0000000001", "1", "1.0"],
            ["0", "0.00000000001", "1.0000000001", "-0.1", "10%"]
        ),
        ("limits.client_order_ids", ["1", "10000000"], ["0", "10000001"]),
        ("limits.max_connections_per_host", ["1", "65536"], ["0", "65537"]),
        ("limits.accept_pause", ["1ms", "10s"], ["0ms", "10001ms"]),
        ("limits.max_header_bytes", ["4096", "262144"], ["4095", "262145"]),
        ("limits.max_header_fields", ["32", "1024"], ["31", "1025"]),
        ("limits.max_continuation_frames", ["2", "64"], ["1", "65"]),
        ("limits.max_oversized_headers", ["0", "1000000"], ["-1", "1000001"]),
        ("limits.max_settings_entries", ["8", "1024"], ["7", "1025"]),
        ("limits.max_queued_acknowledgements", ["8", "100000"], ["7", "100001"]),
        ("limits.max_queued_frames", ["256", "1000000"], ["255", "1000001"]),
        ("limits.max_buffered_bytes", ["1048576", "1099511627776"], ["1048575", "1099511627777"]),
        ("limits.max_calls_per_turn", ["1", "100000"], ["0", "100001"]),
        ("limits.max_provoked_resets", ["0", "1000000"], ["-1", "1000001"]),
        ("limits.max_empty_frames", ["1", "1000000"], ["0", "1000001"]),
        ("limits.resets_burst", ["1", "1000000"], ["0", "1000001"]),
        ("limits.resets_per_second", ["1", "1000000"], ["0", "1000001"]),
        ("limits.premature_resets_burst", ["1", "1000000"], ["0", "1000001"]),
        ("limits.premature_resets_per_second", ["1", "1000000"], ["0", "1000001"]),
        ("limits.control_frames_burst", ["1", "1000000"], ["0", "1000001"]),
        ("limits.control_frames_per_second", ["1", "1000000"], ["0", "1000001"]),
        ("limits.dribbled_frames_burst", ["1", "1000000"], ["0", "1000001"]),
        ("limits.dribbled_frames_per_second", ["1", "1000000"], ["0", "1000001"]),
        ("limits.preface_timeout", ["100ms", "1h"], ["99ms", "3601s"]),
        ("limits.settings_timeout", ["100ms", "1h"], ["99ms", "3601s"]),
        ("limits.settings_acknowledgement_timeout", ["100ms", "1h"], ["99ms", "3601s"]),
        ("limits.header_timeout", ["100ms", "1h"], ["99ms", "3601s"]),
        ("limits.body_timeout", ["100ms", "1h"], ["99ms", "3601s"]),
        ("limits.stall_timeout", ["100ms", "1h"], ["99ms", "3601s"]),
        ("limits.idle_timeout", ["1s", "720h"], ["999ms", "721h"]),
        ("limits.logged_rejects_burst", ["1", "1000000"], ["0", "1000001"]),
        ("limits.logged_rejects_per_second", ["1", "1000000"], ["0", "1000001"]),
        ("limits.mirrored_symbols", ["1", "16384"], ["0", "16385"]),
        ("limits.mirrored_accounts", ["1", "1024"], ["0", "1025"]),
        ("redis.addresses", ["a:1", "a:1,b:1", "unix:/a,b:1"], ["a:0", "a:1,", "a:1,a:1", "a:1;b:1"]),
        ("redis.wait", ["0s", "1s"], ["1001ms"]),
        ("redis.prices.db", ["0", "65535"], ["-1", "65536"]),
        ("redis.prices.max_age", ["20ms", "1h"], ["19ms", "3601s"]),
        ("redis.accounts.db", ["0", "65535"], ["-1", "65536"]),
        ("redis.accounts.max_age", ["20ms", "1h"], ["19ms", "3601s"]),
        ("redis.accounts.settle_after", ["0s", "1h"], ["3601s"]),
        ("redis.accounts.unknown_after", ["1s", "24h"], ["999ms", "86401s"]),
        (
            "instance", ["a", "A-z_0.9", String(repeating: "i", count: 64)],
            [String(repeating: "i", count: 65), "a:b", "ä"]
        ),
        (
            "redis.prices.key", ["p{symbol}", "market:prices:{symbol}:usd"],
            ["{symbol}", "p", "p{account}", "p{symbol}}"]
        ),
        ("redis.prices.key", ["accounts:{symbol}"], ["account:state:{symbol}", "account:{symbol}", "gate:x{symbol}"]),
        ("redis.address", ["a:1"], ["a:0"]),
        ("upstream", ["127.0.0.1:50052"], ["127.0.0.1:50051", "127.0.0.1:0"]),
        ("admin", ["127.0.0.1:50052"], ["127.0.0.1:50051", "127.0.0.1:50061"]),
    ]

    @Test("values at a bound are taken, values past it are refused", arguments: bounds.indices)
    func boundsAreExact(_ index: Int) {
        let (key, allowed, refused) = Self.bounds[index]
        let variable = EnvironmentOverrides.name(of: key)
        for value in allowed {
            #expect(problems(Self.needed, environment: [variable: value]).isEmpty, "\(key): \(value)")
        }
        for value in refused {
            #expect(problems(Self.needed, environment: [variable: value]).count == 1, "\(key): \(value)")
        }
    }

    @Test("redis is at one address or at one of several, and the environment's word replaces both")
    func redisAddresses() throws {
        func addresses(_ redis: String, _ environment: [String: String] = [:]) throws -> [String] {
            try read(Self.needed + "redis: {\(redis)}\n", environment: environment).get().redis.addresses.map(
                \.description)
        }
        func problems(_ redis: String, _ environment: [String: String] = [:]) -> [String] {
            self.problems(Self.needed + "redis: {\(redis)}\n", environment: environment)
        }
        let (one, several) = ("GATE_CONFIG_REDIS_ADDRESS", "GATE_CONFIG_REDIS_ADDRESSES")
        #expect(try addresses("address: a:1") == ["a:1"])
        #expect(try addresses("addresses: [a:1, 'unix:/b']") == ["a:1", "unix:/b"])
        #expect(try addresses("address: a:1", [several: "b:1,c:1"]) == ["b:1", "c:1"])
        #expect(try addresses("addresses: [a:1, b:1]", [one: "c:1"]) == ["c:1"])
        #expect(problems("address: a:1, addresses: [b:1]").count == 1)
        #expect(problems("address: a:1", [one: "b:1", several: "c:1"]).count == 1)
        #expect(problems("addresses: []").count == 1)
        #expect(problems("addresses: a:1").count == 1)
    }

    @Test("user ids are taken up to the largest that is one")
    func adminUIDsAreBounded() throws {
        let text = Self.needed + "admin_uids: [0, 4294967294]\n"
        #expect(try read(text).get().adminUIDs == [0, 4_294_967_294])
        #expect(problems(Self.needed + "admin_uids: [4294967295]\n").count == 1)
    }

    @Test("the breaker's counts and window are taken at their bounds, and refused beyond")
    func breakerIsBounded() throws {
        let lowest = try read(Self.needed + "breaker: {violations: 0, rejects: 0, window: 1s}\n").get().breaker
        #expect((lowest.violations, lowest.rejects, lowest.window, lowest.scope) == (0, 0, .seconds(1), .own))
        let highest = try read(
            Self.needed + "breaker: {violations: 10000, rejects: 10000, window: 24h, scope: global}\n"
        ).get().breaker
        #expect((highest.violations, highest.rejects, highest.scope) == (10_000, 10_000, .global))
        #expect(highest.window == .seconds(86_400))
        for wrong in [
            "violations: -1", "violations: 10001", "rejects: 10001", "window: 999ms", "window: 25h", "scope: account",
        ] {
            #expect(problems(Self.needed + "breaker: {\(wrong)}\n").count == 1, "\(wrong)")
        }
    }
}
