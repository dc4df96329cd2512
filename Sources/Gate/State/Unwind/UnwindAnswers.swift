import RiskRules

/// What the answers to cancels and closing orders say of them.
struct UnwindAnswers {
    private let plan: DecodePlan
    private let decoder: ResponseDecoder
    private let methods: [String: Int]

    init(_ plan: DecodePlan) {
        self.plan = plan
        decoder = ResponseDecoder(plan: plan)
        methods = Dictionary(uniqueKeysWithValues: plan.paths.enumerated().map { ($1, $0) })
    }

    /// What became of a call to the method of this path.
    func outcome(of result: GRPCResult, to path: String) -> UnwindPlan.Outcome {
        switch result {
        case .unsent(let reason): .unsent(reason)
        case .lost(let reason): .unknown(reason)
        case .answered(let answer): outcome(of: answer, to: path)
        }
    }

    private func outcome(of answer: GRPCAnswer, to path: String) -> UnwindPlan.Outcome {
        if let code = answer.gateReason {
            let words = answer.words.isEmpty ? code : answer.words
            let reason = Reason.allCases.first { "\($0.code)" == code }
            if reason == .outcomeUnknown { return .unknown(words) }
            return reason?.mayPass == true ? .unsent(words) : .refused(words)
        }
        guard let status = answer.status else { return .unknown("an answer without a gRPC status") }
        guard let method = methods[path] else { return .unknown("an answer to no mapped method") }
        guard status == 0 else {
            let words = "gRPC status \(status)\(answer.words.isEmpty ? "" : ": \(answer.words)")"
            return plan.method(method).isDefinitive(status: status) ? .refused(words) : .unknown(words)
        }
        return answer.message?.withUnsafeBytes { message in
            let said = decoder.decode(method: method, message: message)
            guard said.outcome == .rejected else { return .done }
            return .refused(said.error.isEmpty ? "rejected" : String(decoding: said.error, as: UTF8.self))
        } ?? .done
    }
}

extension Reason {
    /// Whether a reducing order that is refused for this may pass later as it is: what refuses it is what is known of the market,
    /// the account or the endpoint at this moment, or other orders that work to reduce the same position.
    fileprivate var mayPass: Bool {
        switch self {
        case .upstreamUnavailable, .inFlightLimit, .deadlineExceeded, .journalUnavailable, .stateUnavailable,
            .recovering,
            .reduceOnlyWouldIncrease, .emergencyStopActive, .accountUnknown, .accountStale, .priceUnavailable,
            .priceStale,
            .orderRateExceeded, .messageRateExceeded, .rejectRateExceeded:
            true
        default: false
        }
    }
}
