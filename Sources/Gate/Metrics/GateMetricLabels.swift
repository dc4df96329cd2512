package import RiskRules

/// What a message asks of the endpoint, where it is counted as an order.
package enum OrderAction: UInt8, MetricLabelValue, BitwiseCopyable {
    case create
    case replace
    case cancel

    package static let label = "action"
    package var text: String {
        switch self {
        case .create: "create"
        case .replace: "replace"
        case .cancel: "cancel"
        }
    }
}

/// How an order was decided: no reason means approved.
package struct OrderOutcome: MetricLabels, BitwiseCopyable {
    package var action: OrderAction
    package var reason: Reason?

    package static var all: [Self] {
        OrderAction.allCases.flatMap { action in
            [Self(action: action, reason: nil)] + Reason.allCases.map { Self(action: action, reason: $0) }
        }
    }
    /// 256 cells per action: a reason is one byte, of which few values are in use.
    package static var capacity: Int { OrderAction.capacity << 8 }
    package var index: Int {
        let place = reason.map { Int($0.rawValue) &+ 1 } ?? 0
        return Int(action.rawValue) << 8 | place
    }
    package var labels: [MetricLabel] {
        [
            MetricLabel("decision", reason == nil ? "approved" : "rejected"),
            MetricLabel("reason", reason.map { $0.code.description } ?? "none"),
            MetricLabel("action", action.text),
        ]
    }
}

/// Which side of Gate a connection is on.
package enum ConnectionSide: UInt8, MetricLabelValue, BitwiseCopyable {
    case client
    case upstream

    package static let label = "side"
    package var text: String {
        switch self {
        case .client: "client"
        case .upstream: "upstream"
        }
    }
}

/// What went wrong on an HTTP/2 connection: the error codes of RFC 9113 section 7, and what has no code.
package enum HTTP2ErrorKind: UInt8, MetricLabelValue, BitwiseCopyable {
    case protocolError
    case internalError
    case flowControlError
    case settingsTimeout
    case streamClosed
    case frameSizeError
    case refusedStream
    case cancel
    case compressionError
    case connectError
    case enhanceYourCalm
    case inadequateSecurity
    case http11Required
    /// The connection ended without GOAWAY while streams were open.
    case connectionLost
    /// The dial failed.
    case connectFailed
    /// The handshake failed, or TLS was broken later.
    case tls

    // What Gate refuses of a client though no frame is wrong in itself.

    /// The first bytes were not HTTP/2's.
    case badPreface
    case prefaceTimeout
    case headerTimeout
    case bodyTimeout
    /// Answers, or other frames, that wait too long or in too great a number to be read.
    case slowRead
    /// The client's window let only a few bytes go, again and again.
    case dribble
    case rapidReset
    /// Too many stream errors.
    case provokedReset
    case continuationFlood
    case headerListTooLarge
    case controlFlood
    case emptyFrames
    /// All calls together made Gate keep too many bytes; the largest connection was closed.
    case bufferFull
    /// Closed for being silent without a call.
    case idle
    case tooManyStreams
    case tooManyConnections
    /// No descriptor was left for a connection.
    case outOfDescriptors

    /// The kind of an error code on the wire; nil for NO_ERROR, `internalError` for an unknown code, as RFC 9113 allows.
    package init?(code: UInt32) {
        switch code {
        case 0: return nil
        case 1...13: self = Self(rawValue: UInt8(code - 1)) ?? .internalError
        default: self = .internalError
        }
    }

    package static let label = "kind"
    package var text: String {
        switch self {
        case .protocolError: "protocol_error"
        case .internalError: "internal_error"
        case .flowControlError: "flow_control_error"
        case .settingsTimeout: "settings_timeout"
        case .streamClosed: "stream_closed"
        case .frameSizeError: "frame_size_error"
        case .refusedStream: "refused_stream"
        case .cancel: "cancel"
        case .compressionError: "compression_error"
        case .connectError: "connect_error"
        case .enhanceYourCalm: "enhance_your_calm"
        case .inadequateSecurity: "inadequate_security"
        case .http11Required: "http_1_1_required"
        case .connectionLost: "connection_lost"
        case .connectFailed: "connect_failed"
        case .tls: "tls"
        case .badPreface: "bad_preface"
        case .prefaceTimeout: "preface_timeout"
        case .headerTimeout: "header_timeout"
        case .bodyTimeout: "body_timeout"
        case .slowRead: "slow_read"
        case .dribble: "dribble"
        case .rapidReset: "rapid_reset"
        case .provokedReset: "provoked_reset"
        case .continuationFlood: "continuation_flood"
        case .headerListTooLarge: "header_list_too_large"
        case .controlFlood: "control_flood"
        case .emptyFrames: "empty_frames"
        case .bufferFull: "buffer_full"
        case .idle: "idle"
        case .tooManyStreams: "too_many_streams"
        case .tooManyConnections: "too_many_connections"
        case .outOfDescriptors: "out_of_descriptors"
        }
    }
}

/// An HTTP/2 error and the side that it happened on.
package struct HTTP2ErrorLabels: MetricLabels, BitwiseCopyable {
    package var side: ConnectionSide
    package var kind: HTTP2ErrorKind
    package init(side: ConnectionSide, kind: HTTP2ErrorKind) {
        self.side = side
        self.kind = kind
    }

    package static var all: [Self] {
        ConnectionSide.allCases.flatMap { side in HTTP2ErrorKind.allCases.map { Self(side: side, kind: $0) } }
    }
    package static var capacity: Int { ConnectionSide.capacity << 6 }
    package var index: Int { Int(side.rawValue) << 6 | Int(kind.rawValue) }
    package var labels: [MetricLabel] { side.labels + kind.labels }
}

/// What of Redis is mirrored.
package enum MirrorKind: UInt8, MetricLabelValue, BitwiseCopyable {
    case price
    case account

    package static let label = "kind"
    package var text: String {
        switch self {
        case .price: "price"
        case .account: "account"
        }
    }
}

/// A kind of names that orders bring, each of which is kept for good once it was seen.
package enum NameKindLabel: UInt8, MetricLabelValue, BitwiseCopyable {
    case account
    case strategy
    case symbol
    case timeInForce

    package static let label = "kind"
    package var text: String {
        switch self {
        case .account: "account"
        case .strategy: "strategy"
        case .symbol: "symbol"
        case .timeInForce: "time_in_force"
        }
    }
}

/// What a decision looked up in the mirror and what it found.
package struct MirrorLookupLabels: MetricLabels, BitwiseCopyable {
    package enum Result: UInt8, MetricLabelValue, BitwiseCopyable {
        /// Present and within its age.
        case fresh
        /// Present and too old.
        case stale
        /// Read, and not there (or refused).
        case absent
        /// Not read yet: the order waited for it.
        case unfetched

        package static let label = "result"
        package var text: String {
            switch self {
            case .fresh: "fresh"
            case .stale: "stale"
            case .absent: "absent"
            case .unfetched: "unfetched"
            }
        }
    }
    package var kind: MirrorKind
    package var result: Result
    package init(kind: MirrorKind, result: Result) {
        self.kind = kind
        self.result = result
    }

    package static var all: [Self] {
        MirrorKind.allCases.flatMap { kind in Result.allCases.map { Self(kind: kind, result: $0) } }
    }
    package static var capacity: Int { MirrorKind.capacity << 2 }
    package var index: Int { Int(kind.rawValue) << 2 | Int(result.rawValue) }
    package var labels: [MetricLabel] { kind.labels + result.labels }
}

/// What became of reading the rule files again.
package enum RuleReloadResult: UInt8, MetricLabelValue, BitwiseCopyable {
    case loaded
    case refused

    package static let label = "result"
    package var text: String {
        switch self {
        case .loaded: "loaded"
        case .refused: "refused"
        }
    }
}

/// What became of a message between Gates that share accounts.
package enum SharedReservationResult: UInt8, MetricLabelValue, BitwiseCopyable {
    case told
    /// Redis would not take it.
    case notTold
    case heard
    /// It could not be read.
    case refused

    package static let label = "result"
    package var text: String {
        switch self {
        case .told: "told"
        case .notTold: "not_told"
        case .heard: "heard"
        case .refused: "refused"
        }
    }
}

/// What set off a stop.
package enum StopTrigger: UInt8, MetricLabelValue, BitwiseCopyable {
    /// An emergency rule.
    case rule
    /// A person, through the API or the command line.
    case person
    /// SIGUSR1.
    case signal
    /// The circuit breaker.
    case breaker
    /// Another Gate of the same Redis; what set it off there, its own log tells.
    case peer

    package static let label = "trigger"
    package var text: String {
        switch self {
        case .rule: "rule"
        case .person: "person"
        case .signal: "signal"
        case .breaker: "breaker"
        case .peer: "peer"
        }
    }
}

/// Why a value at a key of a stop in Redis does not count.
package enum StopRefusal: UInt8, MetricLabelValue, BitwiseCopyable {
    /// Not a record, or not a text at all.
    case garbage
    /// Its epoch is more than a minute ahead of this host's clock.
    case future
    /// The key names no scope.
    case scope

    package static let label = "cause"
    package var text: String {
        switch self {
        case .garbage: "garbage"
        case .future: "future"
        case .scope: "scope"
        }
    }
}

/// What the circuit breaker counts.
package enum BreakerCause: UInt8, MetricLabelValue, BitwiseCopyable {
    /// Times that an account went from keeping an enforced hard rule to breaking it.
    case violations
    /// Orders of a strategy (of an account, where the order names none) that a hard rule rejected.
    case rejects

    package static let label = "cause"
    package var text: String {
        switch self {
        case .violations: "violations"
        case .rejects: "rejects"
        }
    }
}

/// How a cancel or closing order of an unwinding came to nothing.
package enum UnwindFailure: UInt8, MetricLabelValue, BitwiseCopyable {
    case refused
    case unsent
    case unknown

    package static let label = "outcome"
    package var text: String {
        switch self {
        case .refused: "refused"
        case .unsent: "unsent"
        case .unknown: "unknown"
        }
    }
}

extension ReservationState: MetricLabelValue {
    package static let label = "state"
    package var text: String {
        switch self {
        case .inFlight: "in_flight"
        case .open: "open"
        case .closing: "closing"
        case .unknown: "unknown"
        }
    }
}

extension StopScope: MetricLabelValue {
    package static let label = "scope"
    package var text: String {
        switch self {
        case .global: "global"
        case .account: "account"
        case .strategy: "strategy"
        case .symbol: "symbol"
        }
    }
}

/// Why a client's connection was closed before its first call.
package enum ConnectionRefusal: UInt8, MetricLabelValue, BitwiseCopyable {
    /// More than `max_connections`.
    case limit
    /// A unix-socket peer whose user id is not listed, or a proxy whose address is not.
    case peer
    /// No PROXY header, a wrong one, or none in time.
    case proxyHeader
    /// It was not redirected, or comes from Gate itself.
    case loop

    package static let label = "reason"
    package var text: String {
        switch self {
        case .limit: "limit"
        case .peer: "peer"
        case .proxyHeader: "proxy_header"
        case .loop: "loop"
        }
    }
}

/// What became of reading a message in passing.
package enum ObservedMessage: UInt8, MetricLabelValue, BitwiseCopyable {
    case read
    case compressed
    /// Larger than `max_observed_bytes`, or than there is room for.
    case tooLarge
    case unreadable

    package static let label = "result"
    package var text: String {
        switch self {
        case .read: "read"
        case .compressed: "compressed"
        case .tooLarge: "too_large"
        case .unreadable: "unreadable"
        }
    }
}

/// What settled an unknown outcome that no news of the order itself did.
package enum UnknownSettlement: UInt8, MetricLabelValue, BitwiseCopyable {
    /// A snapshot, by its time alone.
    case time
    case `operator`

    package static let label = "by"
    package var text: String {
        switch self {
        case .time: "time"
        case .operator: "operator"
        }
    }
}

/// What must not happen to the ledger.
package enum LedgerFault: UInt8, MetricLabelValue, BitwiseCopyable {
    /// An order's outcome was told a second time.
    case doubleResolve

    package static let label = "kind"
    package var text: String {
        switch self {
        case .doubleResolve: "double_resolve"
        }
    }
}
