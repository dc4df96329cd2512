package import RiskRules

/// Every problem of a configuration, by place.
package struct ConfigurationProblems: Error, Sendable {
    package let problems: [Problem]
}

/// Reads the configuration of `gate run` strictly: what the file and the environment say, or all that is wrong with it.
package struct ConfigurationReader {
    private let file: String
    private let environment: [String: String]
    let log = ProblemLog()

    /// - Parameters:
    ///   - file: path of the configuration file; paths in it are relative to it.
    ///   - environment: the whole environment of the process.
    ///   - hostName: the default of `instance`.
    ///   - contents: reads a file.
    package static func read(
        file: String, environment: [String: String], hostName: String,
        contents: (String) throws(SystemError) -> [UInt8]
    ) -> Result<GateConfiguration, ConfigurationProblems> {
        let reader = ConfigurationReader(file: file, environment: environment)
        do {
            return reader.configuration(from: try contents(file), hostName: hostName)
        } catch {
            let place = SourceLocation(file: file, line: 1, column: 1)
            return .failure(ConfigurationProblems(problems: [Problem("cannot be read: \(error)", at: place)]))
        }
    }

    private init(file: String, environment: [String: String]) {
        self.file = file
        self.environment = environment
    }

    private func configuration(
        from bytes: [UInt8], hostName: String
    ) -> Result<GateConfiguration, ConfigurationProblems> {
        guard let root = StrictReader.read(bytes, file: file, into: log) else {
            return .failure(ConfigurationProblems(problems: log.problems))
        }
        let overrides = EnvironmentOverrides(environment)
        var map = StrictMapping(root, path: "", log: log, overrides: overrides)
        let configuration = gate(&map, hostName: hostName)
        map.finish()
        overrides.finish(log)
        guard let configuration, log.isEmpty else {
            return .failure(ConfigurationProblems(problems: log.problems))
        }
        return .success(configuration)
    }

    // MARK: Sections

    private func gate(_ map: inout StrictMapping, hostName: String) -> GateConfiguration? {
        map.require("listen", "upstream", "orders", "rules")
        let instance = instance(&map, hostName: hostName)
        let mode = map.choice("mode", default: GateConfiguration.Mode.enforce)
        let listen = map.address("listen")
        let upstream = upstream(&map)
        map.refuseUnsupported("risk_manager")
        let admin = map.address("admin")
        let orders = path("orders", &map)
        let rules = path("rules", &map)
        let stateDirectory = path("state_dir", &map)
        let journal = section("journal", of: &map, read: JournalConfiguration.init)
        let redis = section("redis", of: &map, read: redis)
        let listener = section("listener", of: &map, read: listener)
        let keepalive = section("keepalive", of: &map, read: keepalive)
        let limits = section("limits", of: &map, read: limits)
        let breaker = section("breaker", of: &map, read: breaker)
        let spin = map.duration("spin", in: .zero...(.seconds(1)), default: .zero)
        let ungoverned = map.choice("ungoverned", default: GateConfiguration.Ungoverned.reject)
        let adminUIDs = map.list("admin_uids")?.compactMap {
            log.integer($0, path: "admin_uids", in: 0...Int(UInt32.max) - 1)
        }
        let unmatched = map.choice("unmatched", default: GateConfiguration.Unmatched.pass)
        let endpoint = endpoint(upstream)
        let tls = section("tls", of: &map) { self.tls(&$0, upstream: endpoint) }
        let identities = self.identities(&map, listen: listen, tls: tls)
        let unwind = section("unwind", of: &map, read: unwind)
        checkApart(listen: listen, upstream: endpoint, admin: admin)
        if let upstream, endpoint == nil { checkRedirected(listen, at: upstream.location) }

        if let listen { checkProxies(listener, listen.value, map) }
        guard let instance, let listen, let upstream, let orders, let rules else { return nil }
        var configuration = GateConfiguration(
            instance: instance, listen: listen.value, upstream: upstream.value, orders: orders, rules: rules)
        configuration.mode = mode
        if let admin { configuration.admin = admin.value }
        if let stateDirectory { configuration.stateDirectory = stateDirectory.value }
        configuration.journal = journal
        configuration.redis = redis
        configuration.listener = listener
        configuration.keepalive = keepalive
        configuration.limits = limits
        configuration.breaker = breaker
        configuration.tls = tls
        configuration.identities = identities
        configuration.unwind = unwind
        check(unwind, of: configuration, at: map.place(of: "unwind", "enabled"))
        configuration.ungoverned = ungoverned
        configuration.spin = spin
        configuration.unmatched = unmatched
        configuration.adminUIDs = adminUIDs?.map { UInt32($0.value) } ?? []
        configuration.adminToken = secret("GATE_ADMIN_TOKEN")
        return configuration
    }

    func section<Section>(
        _ key: String, of map: inout StrictMapping, read: (inout StrictMapping) -> Section
    ) -> Section {
        var inner = map.section(key)
        let section = read(&inner)
        inner.finish()
        return section
    }

    private func redis(_ map: inout StrictMapping) -> GateConfiguration.Redis {
        var redis = GateConfiguration.Redis()
        if let addresses = redisAddresses(&map) { redis.addresses = addresses }
        redis.user = secret("GATE_REDIS_USER")
        redis.password = secret("GATE_REDIS_PASSWORD")
        redis.prices = section("prices", of: &map, read: prices)
        redis.accounts = section("accounts", of: &map, read: accounts)
        redis.wait = map.duration("wait", in: .zero...(.seconds(1)), default: redis.wait)
        checkPrefixes(redis, map)
        return redis
    }

    private func prices(_ map: inout StrictMapping) -> GateConfiguration.Redis.Prices {
        var prices = GateConfiguration.Redis.Prices()
        prices.database = map.integer("db", in: Self.databases, default: prices.database)
        prices.key = template("key", placeholder: "{symbol}", &map) ?? prices.key
        prices.field = map.text("field", allowsEmpty: true)?.value ?? prices.field
        prices.maxAge = map.duration("max_age", in: Self.ages, default: prices.maxAge)
        prices.age = map.choice("age", default: prices.age)
        return prices
    }

    private func accounts(_ map: inout StrictMapping) -> GateConfiguration.Redis.Accounts {
        var accounts = GateConfiguration.Redis.Accounts()
        accounts.database = map.integer("db", in: Self.databases, default: accounts.database)
        accounts.key = template("key", placeholder: "{account}", &map) ?? accounts.key
        accounts.maxAge = map.duration("max_age", in: Self.ages, default: accounts.maxAge)
        accounts.age = map.choice("age", default: accounts.age)
        accounts.settleAfter = map.duration("settle_after", in: .zero...(.hours(1)), default: accounts.settleAfter)
        accounts.unknownAfter = map.duration(
            "unknown_after", in: .seconds(1)...(.hours(24)), default: accounts.unknownAfter)
        return accounts
    }

    private func limits(_ map: inout StrictMapping) -> GateConfiguration.Limits {
        var limits = GateConfiguration.Limits()
        limits.maxOrderBytes = map.integer("max_order_bytes", in: 64...16_777_216, default: limits.maxOrderBytes)
        limits.maxObservedBytes = map.integer(
            "max_observed_bytes", in: 64...16_777_216, default: limits.maxObservedBytes)
        limits.maxConnections = map.integer("max_connections", in: 1...65_536, default: limits.maxConnections)
        // Seven eighths are for orders: of fewer than eight, none would be left for a cancel.
        limits.maxInFlightOrders = map.integer(
            "max_in_flight_orders", in: 8...100_000, default: limits.maxInFlightOrders)
        limits.drainTimeout = map.duration("drain_timeout", in: .zero...(.hours(1)), default: limits.drainTimeout)
        limits.requestTimeout = map.duration(
            "request_timeout", in: .milliseconds(10)...(.hours(1)), default: limits.requestTimeout)
        limits.connectTimeout = map.duration(
            "connect_timeout", in: .milliseconds(10)...(.seconds(60)), default: limits.connectTimeout)
        limits.userTimeout = map.duration(
            "user_timeout", in: .milliseconds(100)...(.hours(1)), default: limits.userTimeout)
        limits.callsPerConnection = map.integer(
            "calls_per_connection", in: 1...268_435_456, default: limits.callsPerConnection)
        limits.initialMargin = map.fraction("initial_margin", default: limits.initialMargin)
        limits.clientOrderIDs = map.integer("client_order_ids", in: 1...10_000_000, default: limits.clientOrderIDs)
        limits.mirroredSymbols = map.integer("mirrored_symbols", in: 1...16_384, default: limits.mirroredSymbols)
        limits.mirroredAccounts = map.integer("mirrored_accounts", in: 1...1024, default: limits.mirroredAccounts)
        limits.loggedRejects = map.rate("logged_rejects", default: limits.loggedRejects)
        limits.maxConnectionsPerHost = map.integer(
            "max_connections_per_host", in: 1...65_536, default: limits.maxConnectionsPerHost)
        limits.acceptPause = map.duration(
            "accept_pause", in: .milliseconds(1)...(.seconds(10)), default: limits.acceptPause)
        limits.http2 = HTTP2Limits(&map)
        return limits
    }

    private func breaker(_ map: inout StrictMapping) -> GateConfiguration.Breaker {
        var breaker = GateConfiguration.Breaker()
        breaker.violations = map.integer("violations", in: Self.breakerCounts, default: breaker.violations)
        breaker.rejects = map.integer("rejects", in: Self.breakerCounts, default: breaker.rejects)
        breaker.window = map.duration("window", in: .seconds(1)...(.hours(24)), default: breaker.window)
        breaker.scope = map.choice("scope", default: breaker.scope)
        return breaker
    }

    private func listener(_ map: inout StrictMapping) -> GateConfiguration.Listener {
        var listener = GateConfiguration.Listener()
        listener.socketMode = mode("socket_mode", &map) ?? listener.socketMode
        let path = map.path(of: "peer_uids")
        listener.peerUIDs =
            map.list("peer_uids")?.compactMap {
                log.integer($0, path: path, in: 0...Int(UInt32.max) - 1).map { UInt32($0.value) }
            } ?? []
        listener.proxyProtocol = map.choice("proxy_protocol", default: listener.proxyProtocol)
        listener.proxyPeers = map.texts("proxy_peers")?.compactMap { peer($0, path: map.path(of: "proxy_peers")) } ?? []
        listener.proxyTimeout = map.duration(
            "proxy_timeout", in: .milliseconds(10)...(.seconds(60)), default: listener.proxyTimeout)
        return listener
    }

    private func keepalive(_ map: inout StrictMapping) -> GateConfiguration.Keepalive {
        var keepalive = GateConfiguration.Keepalive()
        let silence = Duration.milliseconds(100)...(.hours(24))
        let patience = Duration.milliseconds(10)...(.seconds(60))
        keepalive.clientIdle = map.duration("client_idle", in: silence, default: keepalive.clientIdle)
        keepalive.clientTimeout = map.duration("client_timeout", in: patience, default: keepalive.clientTimeout)
        keepalive.upstreamActive = map.duration("upstream_active", in: silence, default: keepalive.upstreamActive)
        keepalive.upstreamIdle = map.duration("upstream_idle", in: silence, default: keepalive.upstreamIdle)
        keepalive.upstreamTimeout = map.duration("upstream_timeout", in: patience, default: keepalive.upstreamTimeout)
        return keepalive
    }

    // MARK: Single values

    /// An address to dial, or the word for where each client meant to connect.
    private func upstream(_ map: inout StrictMapping) -> Located<GateConfiguration.Upstream>? {
        let word = GateConfiguration.Upstream.originalDestinationText
        guard let text = map.text("upstream") else { return nil }
        if text.value == word { return Located(.originalDestination, at: text.location) }
        do {
            return Located(.address(try SocketAddress(text.value)), at: text.location)
        } catch {
            log.report("upstream: \(quoted(text.value)) is not an address: \(error.reason)", at: text.location)
            return nil
        }
    }

    /// The one endpoint of all clients, if there is one.
    private func endpoint(_ upstream: Located<GateConfiguration.Upstream>?) -> Located<SocketAddress>? {
        guard let upstream, case .address(let address) = upstream.value else { return nil }
        return Located(address, at: upstream.location)
    }

    /// Permissions as `chmod` takes them: three octal digits, or four that begin with 0.
    private func mode(_ key: String, _ map: inout StrictMapping) -> UInt32? {
        guard let text = map.text(key) else { return nil }
        let digits = text.value
        guard digits.utf8.count == 3 || digits.utf8.count == 4 && digits.hasPrefix("0"),
            digits.utf8.allSatisfy({ (0x30...0x37).contains($0) }), let mode = UInt32(digits, radix: 8)
        else {
            log.report(
                "\(map.path(of: key)): \(quoted(digits)) is no file mode; write octal digits, as \"0660\"",
                at: text.location)
            return nil
        }
        return mode
    }

    private func peer(_ text: Located<String>, path: String) -> String? {
        guard ResolvedAddress.isNumeric(text.value),
            let address = try? ResolvedAddress.resolve(host: text.value, port: 0)
        else {
            log.report("\(path): \(quoted(text.value)) is no IP address", at: text.location)
            return nil
        }
        return address.host
    }

    private static let databases = 0...65_535
    /// Each is kept with its time until it leaves the window.
    private static let breakerCounts = 0...10_000
    /// The link is confirmed four times within the age, which under 20 ms no loop could keep.
    private static let ages = Duration.milliseconds(20)...(.hours(1))

    private func instance(_ map: inout StrictMapping, hostName: String) -> String? {
        let written = map.text("instance")
        guard written != nil || !map.has("instance") else { return nil }
        let name = written?.value ?? hostName
        guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy(Self.isInstanceByte) else {
            let owner = written == nil ? "the host's name " : ""
            log.report(
                "instance: \(owner)\(quoted(name)) cannot be used; write 1 to 64 letters, digits, dots, hyphens or underscores",
                at: written?.location ?? map.location)
            return nil
        }
        return name
    }

    private static func isInstanceByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// A path of the file, relative to the configuration file.
    func path(_ key: String, _ map: inout StrictMapping) -> Located<String>? {
        map.text(key).map { Located(FilePath.resolve($0.value, besides: file), at: $0.location) }
    }

    private func template(_ key: String, placeholder: String, _ map: inout StrictMapping) -> KeyTemplate? {
        guard let text = map.text(key) else { return nil }
        guard let template = KeyTemplate(text.value, placeholder: placeholder) else {
            log.report(
                "\(map.path(of: key)): \(quoted(text.value)) must have text and then \(placeholder), once, and no other brace",
                at: text.location)
            return nil
        }
        return template
    }

    private func secret(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    // MARK: Checks across values

    func refuseAnyPort(_ address: Located<SocketAddress>, path: String) {
        if case .tcp(_, port: 0) = address.value {
            log.report("\(path): port 0 cannot be dialled; write the port", at: address.location)
        }
    }

    private func checkRedirected(_ listen: Located<SocketAddress>?, at place: SourceLocation) {
        guard case .unix = listen?.value else { return }
        log.report(
            "upstream: a unix socket's connections are not redirected; listen on host:port, or write an address",
            at: place)
    }

    private func checkProxies(_ listener: GateConfiguration.Listener, _ listen: SocketAddress, _ map: StrictMapping) {
        guard case .tcp = listen, listener.proxyProtocol == .required, listener.proxyPeers.isEmpty else { return }
        log.report(
            "listener.proxy_peers: needed where proxy_protocol is required; list the proxies' IP addresses",
            at: map.place(of: "listener"))
    }

    private func checkApart(
        listen: Located<SocketAddress>?, upstream: Located<SocketAddress>?, admin: Located<SocketAddress>?
    ) {
        if let upstream { refuseAnyPort(upstream, path: "upstream") }
        if let listen, let upstream, listen.value == upstream.value {
            log.report("upstream: \(upstream.value) is where Gate itself listens", at: upstream.location)
        }
        guard let admin else { return }
        for (key, other) in [("listen", listen), ("upstream", upstream)] {
            guard let other, other.value == admin.value, !other.value.isAnyPort else { continue }
            log.report("admin: \(admin.value) is the address of \(key) too", at: admin.location)
        }
    }

    /// Redis refuses overlapping prefixes of one subscriber (CLIENT TRACKING, BCAST), and Gate's own keys are tracked
    /// beside the two templates.
    private func checkPrefixes(_ redis: GateConfiguration.Redis, _ map: StrictMapping) {
        let prices = redis.prices.key.prefix
        let accounts = redis.accounts.key.prefix
        let own = "gate:"
        let pairs = [
            ("accounts", accounts, "that of redis.prices.key", prices),
            ("prices", prices, "that of Gate's own keys", own),
            ("accounts", accounts, "that of Gate's own keys", own),
        ]
        for (key, prefix, other, otherPrefix) in pairs
        where prefix.hasPrefix(otherPrefix) || otherPrefix.hasPrefix(prefix) {
            log.report(
                "redis.\(key).key: its text before the brace, \(quoted(prefix)), and \(other), \(quoted(otherPrefix)), "
                    + "start alike; neither may be the start of the other",
                at: map.place(of: key, "key"))
        }
    }
}

extension SocketAddress {
    fileprivate var isAnyPort: Bool {
        if case .tcp(_, port: 0) = self { true } else { false }
    }
}

extension Duration {
    fileprivate static func hours(_ count: Int) -> Duration { .seconds(count * 3600) }
}
