import CLinux
package import Logging
package import RiskRules

/// Keeps the journal's files: has the next segment ready before the writer needs it, brings what was written to the disk within
/// 100 ms, keeps the chain and what a restart needs, writes a checkpoint when a segment is full, and removes what is too old.
///
/// On a thread of its own, since the disk may take its time. What the disk refuses is logged, counted, and tried again each second;
/// meanwhile the writer says that it has no room once its segment is full.
package final class JournalKeeper: EventTarget {
    private enum Purpose { static let tick: UInt64 = 0 }

    private let loop: EventLoop
    private let configuration: JournalConfiguration
    private let handover: JournalHandover
    private let handle: LoopHandle<JournalKeeper>
    private let metrics: JournalMetrics
    private let log: Logger
    private let state: JournalState
    private let directory: String

    /// Segments that are not sealed, the oldest first; the last is the one that waits for the writer, if there is one.
    private var followers: [SegmentFollower] = []
    private var nextNumber: UInt64
    /// Of the last segment that was sealed.
    private var previousHash: SegmentChain.Hash
    /// What is to be written as soon as the disk lets it.
    private var isCheckpointDue: Bool
    /// Segments that the run before left unsealed.
    private var abandoned: [AbandonedSegment]
    private var retentionDue = true
    private var retainedAt: Int64 = 0
    /// What is wrong with the disk, by what was asked of it; and when that is tried again.
    private var troubles: [JournalFailure: Trouble] = [:]
    private var isBroken = false
    private var isClosing = false
    private var onClosed: (() -> Void)?

    private struct Trouble {
        var message: String
        var retryAt: Int64
    }

    /// Half of the time within which records are on the disk.
    private static let period: Int64 = 50_000_000
    private static let retryDelay: Int64 = 1_000_000_000
    /// Segments grow old while none is filled.
    private static let retentionPeriod: Int64 = 600_000_000_000

    /// Seals what the run before left, and has the first segment ready where the disk lets it.
    /// - Parameters:
    ///   - recovery: of the same directory; the keeper takes its state over.
    package init(
        loop: EventLoop, recovery: JournalRecovery, configuration: JournalConfiguration, handover: JournalHandover,
        handle: LoopHandle<JournalKeeper>, metrics: JournalMetrics, log: Logger
    ) {
        self.loop = loop
        self.configuration = configuration
        self.handover = handover
        self.handle = handle
        self.metrics = metrics
        self.log = log
        state = recovery.state
        directory = recovery.directory
        nextNumber = recovery.nextSegment
        previousHash = recovery.hash
        abandoned = recovery.abandoned
        isCheckpointDue = !recovery.abandoned.isEmpty
        super.init()
        loop.turnTarget = .passUnretained(self)
        tick()
    }

    /// Runs the loop until it is stopped.
    package func run() {
        loop.run()
        loop.turnTarget = nil
    }

    /// Ends `run`.
    package func stop() { loop.stop() }

    /// A rule set that will decide soon; before the order thread hears of it.
    package func know(_ ruleSet: RuleSet) { state.know(ruleSet) }

    /// The writer has written its last record: seals the segment, writes a checkpoint, and calls `done` when that is on the disk,
    /// or the disk refuses.
    package func close(_ done: @escaping () -> Void) {
        isClosing = true
        onClosed = done
        step(now: loop.readClock())
    }

    package override func turnBegan() {
        handle.drain(self)
        // The writer took a segment: the next is wanted at once.
        if handover.isEmpty { prepare(now: loop.now) }
    }

    package override func fired(_ context: UInt64) { tick() }

    private func tick() {
        step(now: loop.readClock())
        _ = loop.schedule(at: loop.now + Self.period, target: self, context: Purpose.tick)
    }

    private func step(now: Int64) {
        sealAbandoned(now: now)
        prepare(now: now)
        followAll(now: now)
        sealFinished(now: now)
        writeCheckpoint(now: now)
        retain(now: now)
        if let onClosed, hasNothingToWaitFor {
            self.onClosed = nil
            withdrawUnused()
            onClosed()
        }
    }

    /// Whether the run's end is on the disk, or will not come there.
    private var hasNothingToWaitFor: Bool {
        if isBroken || !troubles.isEmpty { return true }
        return followers.allSatisfy { !$0.isBegun || $0.progress == .open } && !isCheckpointDue
    }

    // MARK: Segments

    /// Brings to its end what the run before left.
    private func sealAbandoned(now: Int64) {
        while let segment = abandoned.first {
            guard attempt(.chain, now: now, { () throws(SystemError) in try segment.seal() }) else { return }
            abandoned.removeFirst()
        }
    }

    private func prepare(now: Int64) {
        guard handover.isEmpty, !isClosing, abandoned.allSatisfy({ !$0.isUnused }) else { return }
        attempt(.segment, now: now) { () throws(SystemError) in
            let files = try JournalFiles(listing: directory)
            let segment = try JournalSegment(
                number: nextNumber, path: files.path(.segment, nextNumber), capacity: configuration.segmentBytes)
            try DurableFile(directory: directory, name: "").syncDirectory()
            nextNumber += 1
            followers.append(SegmentFollower(segment, files: files, state: state))
            handover.put(segment)
        }
    }

    private func followAll(now: Int64) {
        var previous = previousHash
        for follower in followers {
            follow(follower, after: previous, now: now)
            guard follower.progress == .ended else { return }
            previous = follower.hash
        }
    }

    private func follow(_ follower: SegmentFollower, after previous: SegmentChain.Hash, now: Int64) {
        if let damage = follower.follow(after: previous, now: now), !isBroken {
            isBroken = true
            log.critical("the journal cannot be read back: \(damage). Its memory was overwritten; restart Gate")
        }
        attempt(.sync, now: now) { () throws(SystemError) in
            if try follower.sync() { metrics.syncs.add() }
            follower.prepare()
        }
        guard abandoned.isEmpty else { return }
        attempt(.chain, now: now) { () throws(SystemError) in try follower.writeChain(now: now) }
    }

    /// Lets go of segments that are whole on the disk. A later one waits for the one before it.
    private func sealFinished(now: Int64) {
        while let follower = followers.first, follower.isSealed {
            guard attempt(.sync, now: now, { () throws(SystemError) in try follower.truncate() }) else { return }
            previousHash = follower.hash
            isCheckpointDue = true
            retentionDue = true
            followers.removeFirst()
        }
    }

    /// Removes the segment that the writer will never begin.
    private func withdrawUnused() {
        handover.withdraw()
        for follower in followers where !follower.isBegun { follower.segment.discard() }
        followers.removeAll { !$0.isBegun }
    }

    // MARK: Checkpoints and retention

    private func writeCheckpoint(now: Int64) {
        guard isCheckpointDue, abandoned.isEmpty else { return }
        attempt(.checkpoint, now: now) { () throws(SystemError) in
            let next = followers.first?.segment.number ?? nextNumber
            try CheckpointWriter.write(
                state, next: next, in: try JournalFiles(listing: directory), at: gate_realtime_ns())
            isCheckpointDue = false
        }
    }

    private func retain(now: Int64) {
        guard retentionDue || now - retainedAt >= Self.retentionPeriod, !isCheckpointDue else { return }
        attempt(.retention, now: now) { () throws(SystemError) in
            try JournalRetention.apply(
                configuration, to: try JournalFiles(listing: directory), wallNow: gate_realtime_ns())
            retentionDue = false
            retainedAt = now
        }
    }

    // MARK: Trouble

    /// Does what the disk may refuse, unless it did so less than a second ago; false where it was not done.
    @discardableResult
    private func attempt(
        _ what: JournalFailure, now: Int64, _ body: () throws(SystemError) -> Void
    ) -> Bool {
        if let trouble = troubles[what], now < trouble.retryAt { return false }
        do throws(SystemError) {
            try body()
        } catch {
            failed(what, error, now: now)
            return false
        }
        if troubles.removeValue(forKey: what) != nil {
            log.notice("the journal's disk works again: \(what.purpose)")
        }
        return true
    }

    private func failed(_ what: JournalFailure, _ error: SystemError, now: Int64) {
        metrics.failures.add(what)
        let message = "\(error)"
        if troubles[what]?.message != message {
            log.critical(
                "the journal cannot \(what.purpose): \(message). \(what.consequence) \(Self.advice(error)) It is tried again each second"
            )
        }
        troubles[what] = Trouble(message: message, retryAt: now + Self.retryDelay)
    }

    private static func advice(_ error: SystemError) -> String {
        switch error.errno {
        case ENOSPC, EDQUOT: "Make room on the disk of state_dir, or lower journal.retained_segments."
        case EACCES, EPERM, EROFS: "Let Gate's user write to state_dir."
        default: "Look at the disk of state_dir."
        }
    }
}

extension JournalFailure {
    fileprivate var purpose: String {
        switch self {
        case .segment: "have the next segment ready"
        case .sync: "bring its records to the disk"
        case .chain: "write the chain that proves a segment"
        case .checkpoint: "write a checkpoint"
        case .retention: "remove old segments"
        }
    }

    fileprivate var consequence: String {
        switch self {
        case .segment: "Once the segment in hand is full, orders are refused with JOURNAL_UNAVAILABLE."
        case .sync: "What was decided lately would not survive a crash of the host."
        case .chain: "What was written lately cannot be verified."
        case .checkpoint: "A restart would read more segments."
        case .retention: "More disk is used than was asked for."
        }
    }
}
