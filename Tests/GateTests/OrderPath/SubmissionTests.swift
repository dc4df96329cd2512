import Gate
import RiskRules
import Testing

@Suite struct SubmissionTests {
    private static let refused = Submission.End.reset(code: 7)
    /// Every code of RFC 9113, section 7, but REFUSED_STREAM, and some that nobody has defined.
    private static let otherCodes: [UInt32] = Array(0...13).filter { $0 != 7 } + [14, 255, .max]

    private static func submission(
        _ state: Submission.State, isPassing: Bool = false, attempts: UInt8 = 1, isWhole: Bool = true,
        isExpired: Bool = false, isCancelled: Bool = false
    ) -> Submission {
        Submission(
            state: state, isPassing: isPassing, attempts: attempts, isWhole: isWhole, isExpired: isExpired,
            isCancelled: isCancelled)
    }

    // MARK: Orders and cancels

    @Test(
        "what was refused before any answer is sent again",
        arguments: [Submission.State.unwritten, .written])
    func refusedIsSentAgain(_ state: Submission.State) {
        #expect(Self.submission(state).verdict(on: Self.refused) == .sendAgain)
    }

    @Test("what had not left with its connection is sent again; what may have left is unknown")
    func lostConnection() {
        #expect(Self.submission(.unwritten).verdict(on: .connectionLost) == .sendAgain)
        #expect(Self.submission(.written).verdict(on: .connectionLost) == .unknown)
        #expect(Self.submission(.answering).verdict(on: .connectionLost) == .unknown)
    }

    @Test("what the endpoint has begun to answer is unknown, even if it says refused")
    func answeringIsUnknown() {
        #expect(Self.submission(.answering).verdict(on: Self.refused) == .unknown)
    }

    @Test("any other reset leaves the outcome unknown", arguments: otherCodes)
    func otherResetIsUnknown(_ code: UInt32) {
        for state in Submission.State.allCases {
            #expect(Self.submission(state).verdict(on: .reset(code: code)) == .unknown)
        }
    }

    @Test("the second refusal is the last")
    func secondRefusal() {
        #expect(Self.submission(.written, attempts: 2).verdict(on: Self.refused) == .unavailable)
        #expect(Self.submission(.unwritten, attempts: 2).verdict(on: .connectionLost) == .unavailable)
    }

    @Test("what is not here whole any more is not sent again")
    func notWhole() {
        #expect(Self.submission(.written, isWhole: false).verdict(on: Self.refused) == .unavailable)
    }

    @Test("what its caller waits for no longer is not sent again")
    func expired() {
        #expect(Self.submission(.written, isExpired: true).verdict(on: Self.refused) == .expired)
        #expect(Self.submission(.written, isExpired: true).verdict(on: .connectionLost) == .unknown)
    }

    @Test("an order whose cancel was sent behind it is not sent again")
    func cancelled() {
        #expect(Self.submission(.written, isCancelled: true).verdict(on: Self.refused) == .unavailable)
    }

    @Test("whatever happens, nothing that may have been processed is sent again")
    func neverTwice() {
        for state in Submission.State.allCases {
            for attempts: UInt8 in 1...3 {
                for flags in 0..<16 {
                    let submission = Self.submission(
                        state, isPassing: flags & 1 != 0, attempts: attempts, isWhole: flags & 2 != 0,
                        isExpired: flags & 4 != 0, isCancelled: flags & 8 != 0)
                    for end in [Submission.End.connectionLost, Self.refused] + Self.otherCodes.map({ .reset(code: $0) })
                    where submission.verdict(on: end) == .sendAgain {
                        #expect(attempts == 1 && flags == 2 && state != .answering)
                        #expect(end == Self.refused || end == .connectionLost && state == .unwritten)
                    }
                }
            }
        }
    }

    // MARK: Calls that pass unread

    @Test("a reset of a passing call is relayed as it is", arguments: otherCodes + [7])
    func passingResetIsRelayed(_ code: UInt32) {
        #expect(
            Self.submission(.written, isPassing: true).verdict(on: .reset(code: code)) == .relay(code: code))
    }

    @Test("a passing call that had not left may be sent again by its caller's library")
    func passingUnwritten() {
        #expect(Self.submission(.unwritten, isPassing: true).verdict(on: .connectionLost) == .relay(code: 7))
    }

    @Test("a passing call lost with its connection is unavailable, or broken off where its answer had begun")
    func passingLost() {
        #expect(Self.submission(.written, isPassing: true).verdict(on: .connectionLost) == .unavailable)
        #expect(Self.submission(.answering, isPassing: true).verdict(on: .connectionLost) == .relay(code: 2))
    }
}

@Suite struct SentCancelsTests {
    private let engine = RiskEngine(limits: EngineLimits(hashSeed: 1))

    private func digest(_ text: String) -> Digest {
        Array(text.utf8).withUnsafeBytes { engine.digest($0) }
    }

    @Test("a cancel means the order that it names, by either id, if it was sent behind it")
    func namedOrder() {
        var cancels = SentCancels()
        #expect(!cancels.mayMean(clientOrderID: digest("a"), sentAfter: 0))
        cancels.note(sequence: 5, orderID: .none, clientOrderID: digest("a"))
        cancels.note(sequence: 6, orderID: digest("b"), clientOrderID: .none)
        #expect(cancels.mayMean(clientOrderID: digest("a"), sentAfter: 4))
        #expect(!cancels.mayMean(clientOrderID: digest("a"), sentAfter: 5))
        #expect(cancels.mayMean(clientOrderID: digest("b"), sentAfter: 5))
        #expect(!cancels.mayMean(clientOrderID: digest("c"), sentAfter: 0))
        #expect(!cancels.mayMean(clientOrderID: .none, sentAfter: 0))
    }

    @Test("a cancel that names nothing may mean any order before it")
    func namelessCancel() {
        var cancels = SentCancels()
        cancels.note(sequence: 5, orderID: .none, clientOrderID: .none)
        #expect(cancels.mayMean(clientOrderID: digest("a"), sentAfter: 4))
        #expect(cancels.mayMean(clientOrderID: .none, sentAfter: 4))
        #expect(!cancels.mayMean(clientOrderID: digest("a"), sentAfter: 5))
    }

    @Test("an order older than the cancels that are remembered may have been cancelled")
    func forgottenCancel() {
        var cancels = SentCancels()
        for sequence: UInt64 in 1...32 { cancels.note(sequence: sequence, orderID: digest("x"), clientOrderID: .none) }
        #expect(!cancels.mayMean(clientOrderID: digest("a"), sentAfter: 0))
        cancels.note(sequence: 33, orderID: digest("x"), clientOrderID: .none)
        #expect(cancels.mayMean(clientOrderID: digest("a"), sentAfter: 1))
        #expect(!cancels.mayMean(clientOrderID: digest("a"), sentAfter: 2))
    }
}
