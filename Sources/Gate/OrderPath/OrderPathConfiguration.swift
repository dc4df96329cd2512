package import RiskRules

/// What the order path is told at its start. Times are nanoseconds.
package struct OrderPathConfiguration: Sendable {
    /// A listening socket; the order path owns it from now on.
    package var listener: Int32
    package var upstream: UpstreamAddress
    /// `limits.max_order_bytes`.
    package var maximumOrderBytes = 65_536
    /// `limits.max_observed_bytes`: a larger message of an answer that passes is not read.
    package var maximumObservedBytes = 262_144
    /// `limits.max_connections`.
    package var maximumConnections = 1024
    /// `limits.max_in_flight_orders`, per client connection.
    package var maximumInFlight = 1000
    /// `limits.request_timeout`.
    package var requestTimeout: Int64 = 30_000_000_000
    /// `limits.drain_timeout`.
    package var drainTimeout: Int64 = 25_000_000_000
    /// `limits.max_connections_per_host`.
    package var maximumConnectionsPerHost = 1024
    /// `limits.accept_pause`.
    package var acceptPause: Int64 = 100_000_000
    /// What one client's connection may cost.
    package var http2 = HTTP2Limits()
    /// `limits.connect_timeout`.
    package var connectTimeout: Int64 = 250_000_000
    /// `limits.user_timeout`: how long bytes to the endpoint may stay unacknowledged.
    package var userTimeout: Int64 = 5_000_000_000
    /// `limits.calls_per_connection`: an endpoint connection that has carried so many is replaced as soon as nothing is under way on
    /// it, a client's is asked to end after twice as many.
    package var callsPerConnection = 268_435_456
    /// `keepalive`.
    package var clientKeepalive = Keepalive.Limits(
        active: 60_000_000_000, idle: 60_000_000_000, timeout: 10_000_000_000, mostPings: .max)
    package var upstreamKeepalive = Keepalive.Limits(
        active: 10_000_000_000, idle: 300_000_000_000, timeout: 2_000_000_000, mostPings: 2)
    /// `listener.peer_uids`: users that may connect to a unix socket; empty: whoever the file lets.
    package var peerUIDs: Set<UInt32> = []
    /// `listener.proxy_protocol: required`.
    package var needsProxyHeader = false
    /// `listener.proxy_peers`: numeric addresses of the proxies.
    package var proxyPeers: Set<String> = []
    /// `listener.proxy_timeout`.
    package var proxyTimeout: Int64 = 1_000_000_000
    /// `redis.wait`.
    package var stateWait: Int64 = 5_000_000
    /// `limits.mirrored_symbols`, `limits.mirrored_accounts`.
    package var mirroredSymbols = 16_384
    package var mirroredAccounts = 1024
    /// `limits.logged_rejects_burst`, `limits.logged_rejects_per_second`.
    package var loggedRejects = HTTP2Limits.Rate(burst: 1000, perSecond: 100)
    /// What connections speak TLS by at first.
    package var tls = TLSContexts()
    /// `identity`: whose connections may trade for whom; empty: anybody's for anybody.
    package var identities: [IdentityBinding] = []
    /// Hears, on the order thread, of each handshake that failed, and why.
    package var reportTLSFailure: @Sendable (ConnectionSide, String) -> Void = { _, _ in }
    /// `breaker`; its times are nanoseconds.
    package var breaker = CircuitBreaker.Settings()
    /// `breaker.scope: global`: whoever trips it, everything is stopped.
    package var breakerStopsAll = false
    /// `mode: shadow`: everything that can be framed is forwarded.
    package var shadow = false

    /// Receive window of a stream on both sides, bytes: what one stream can make Gate keep.
    let streamWindow = 262_144
    /// All calls that may be under way at once.
    var maximumExchanges: Int { max(4096, maximumConnections * Self.reservedExchanges + maximumInFlight * 8) }
    /// Calls that every connection may have under way, whatever the others do.
    static let reservedExchanges = 16
    /// Nanoseconds of a turn that handshakes of clients may take, the last one begun beside: the others wait for the next turn, behind
    /// the orders of connections that stand.
    static let handshakeShare: Int64 = 200_000
    /// Failed handshakes that are logged; all are counted.
    static let loggedTLSFailures = HTTP2Limits.Rate(burst: 20, perSecond: 1)
    /// Sockets whose peers are given time to read the last words.
    static let maximumLingering = 256

    package init(listener: Int32, upstream: UpstreamAddress) {
        self.listener = listener
        self.upstream = upstream
    }
}

/// Where the endpoint is. A host name is looked up again before each dial, off the order thread.
package enum UpstreamAddress: Sendable {
    case resolved(ResolvedAddress)
    case name(host: String, port: Int)
    /// Each client's calls go where the client meant to connect before the host redirected it here.
    case originalDestination
}
