/// What is known of a call that was given to the endpoint's session, and what its end there proves: whether it may be sent again,
/// is as good as never sent, or may have been processed. It does no I/O.
///
/// The rule (RFC 9113, section 8.7; gRFC A6): only what the endpoint provably did not process is sent again, and once.
package struct Submission: BitwiseCopyable {
    /// How far its bytes have got.
    package enum State: UInt8, CaseIterable, BitwiseCopyable {
        /// Given to the session, and the socket has taken not one byte of it.
        case unwritten
        /// The socket has taken at least one byte.
        case written
        /// The endpoint has begun to answer, be it with an interim response.
        case answering
    }

    /// How a call ended that was not answered whole.
    package enum End: Equatable, BitwiseCopyable {
        /// Its stream was reset, or closed as one above a GOAWAY's last stream: libnghttp2 says REFUSED_STREAM of those.
        case reset(code: UInt32)
        /// Its connection is gone.
        case connectionLost
    }

    package enum Verdict: Equatable, BitwiseCopyable {
        /// Not processed: decide again, and send the same bytes once more.
        case sendAgain
        /// Not processed, and its caller's deadline has passed.
        case expired
        /// Not processed, or, of a call that passes unread, told as gRPC does: UNAVAILABLE.
        case unavailable
        /// It may have been processed.
        case unknown
        /// The caller's stream is reset with this code.
        case relay(code: UInt32)
    }

    package var state: State
    /// Whether the call passes unread.
    package var isPassing: Bool
    /// How often it was given to a session, this time included.
    package var attempts: UInt8
    /// Whether the whole message is still here.
    package var isWhole: Bool
    /// Whether its caller's deadline has passed.
    package var isExpired: Bool
    /// Whether a cancel that may mean it was sent behind it: sent again it would come after its own end.
    package var isCancelled: Bool

    package init(
        state: State, isPassing: Bool, attempts: UInt8, isWhole: Bool, isExpired: Bool, isCancelled: Bool
    ) {
        self.state = state
        self.isPassing = isPassing
        self.attempts = attempts
        self.isWhole = isWhole
        self.isExpired = isExpired
        self.isCancelled = isCancelled
    }

    private static let mostAttempts = 2

    /// What is to be done about it.
    package func verdict(on end: End) -> Verdict {
        isProvablyUnprocessed(after: end) ? verdictOnUnprocessed : verdictOnUncertain(end)
    }

    private func isProvablyUnprocessed(after end: End) -> Bool {
        switch (state, end) {
        case (.unwritten, .connectionLost): true
        case (.unwritten, .reset(let code)), (.written, .reset(let code)): code == HTTP2ResetCode.refused.rawValue
        case (.written, .connectionLost), (.answering, _): false
        }
    }

    private var verdictOnUnprocessed: Verdict {
        // The caller's own library sends it again, and knows how often it may.
        if isPassing { return .relay(code: HTTP2ResetCode.refused.rawValue) }
        if isExpired { return .expired }
        return attempts < Self.mostAttempts && isWhole && !isCancelled ? .sendAgain : .unavailable
    }

    private func verdictOnUncertain(_ end: End) -> Verdict {
        guard isPassing else { return .unknown }
        switch end {
        case .reset(let code): return .relay(code: code)
        // A response that breaks off is an internal error to the caller; where there was none, gRPC says UNAVAILABLE.
        case .connectionLost: return state == .answering ? .relay(code: HTTP2ResetCode.internal.rawValue) : .unavailable
        }
    }
}
