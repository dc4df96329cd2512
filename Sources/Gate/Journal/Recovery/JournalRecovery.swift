import CLinux
import Glibc
package import RiskRules

/// Reads back what the runs before left: the newest checkpoint that is whole, and what was written since. Only reads; what is to be
/// put in order on the disk the keeper does.
package final class JournalRecovery: @unchecked Sendable {
    // Sound to hand over: one thread after the other has it, none while another does.

    package let directory: String
    /// All that is still needed. The keeper goes on with it.
    package let state: JournalState
    /// What was damaged or missing, so that the state may not be what it was. Each says what to do.
    package private(set) var problems: [String] = []
    /// What is no damage, for the log.
    package private(set) var remarks: [String] = []
    /// Of segments and checkpoint, read.
    package private(set) var bytesRead = 0
    package private(set) var recordsRead = 0
    /// What the run before left unsealed, the oldest first.
    private(set) var abandoned: [AbandonedSegment] = []
    /// Of the last segment's chain.
    private(set) var hash = SegmentChain.Hash.zero
    private(set) var nextSegment: UInt64 = 1

    private let files: JournalFiles
    private let limits: EngineLimits
    private let ruleSet: RuleSet

    /// Reads the journal of a directory, which is made where it is missing.
    /// - Parameters:
    ///   - limits: of the engine that will decide.
    ///   - ruleSet: the rules that will decide, by which windows are counted.
    /// Throws where the directory or a file cannot be read.
    package init(directory: String, limits: EngineLimits, ruleSet: RuleSet) throws(SystemError) {
        if mkdir(directory, 0o700) != 0, errno != EEXIST { throw SystemError("mkdir \(directory)", errno: errno) }
        self.directory = directory
        self.limits = limits
        self.ruleSet = ruleSet
        files = try JournalFiles(listing: directory)
        let (state, first, problems) = try Self.checkpoint(files, limits, ruleSet)
        self.state = state
        self.problems = problems
        try readSegments(from: first)
        state.forgetNumbers()
    }

    // MARK: The checkpoint

    /// The newest checkpoint that is whole, and the segment to read on with.
    private static func checkpoint(
        _ files: JournalFiles, _ limits: EngineLimits, _ ruleSet: RuleSet
    ) throws(SystemError) -> (JournalState, next: UInt64?, problems: [String]) {
        var problems: [String] = []
        for number in files.numbers(.checkpoint).reversed() {
            let path = files.path(.checkpoint, number)
            let file = try JournalBytes(reading: path)
            let state = JournalState(limits: limits)
            state.know(ruleSet)
            let verdict = withExtendedLifetime(file) { state.read(checkpoint: file.bytes, number: number) }
            guard case .damaged(let offset, let what) = verdict else { return (state, number, problems) }
            problems.append("\(path):\(offset): \(what); an older checkpoint, or every segment, is read in its place")
        }
        let state = JournalState(limits: limits)
        state.know(ruleSet)
        if let first = files.numbers(.segment).first, first > 1 {
            problems.append(
                "\(files.directory): no checkpoint is whole, and the segments before \(first) were removed. What was let "
                    + "through before is not counted until a snapshot shows it")
        }
        return (state, nil, problems)
    }

    // MARK: Segments

    private func readSegments(from first: UInt64?) throws(SystemError) {
        let numbers = files.numbers(.segment)
        nextSegment = max((numbers.last ?? 0) + 1, first ?? 1)
        var before: UInt64?
        for number in numbers {
            let isNeeded = first.map { number >= $0 } ?? true
            if isNeeded, let before, number != before + 1 {
                problems.append(
                    "\(files.directory): segment \(before + 1) is missing. What stood in it is not counted until a "
                        + "snapshot shows it")
            }
            before = number
            if isNeeded {
                try read(number, isLast: number == numbers.last)
            } else if let last = try chain(of: number).entries.last {
                hash = last.hash
            }
        }
    }

    private func chain(
        of number: UInt64
    ) throws(SystemError) -> (previous: SegmentChain.Hash?, entries: [SegmentChain.Entry]) {
        guard files.numbers(.chain).contains(number) else { return (nil, []) }
        let file = try JournalBytes(reading: files.path(.chain, number))
        return withExtendedLifetime(file) {
            guard let chain = SegmentChain.decode(file.bytes), chain.number == number else { return (nil, []) }
            return (chain.previous, chain.entries)
        }
    }

    private func read(_ number: UInt64, isLast: Bool) throws(SystemError) {
        let chain = try chain(of: number)
        if isLast, chain.entries.isEmpty, try isUnused(number) {
            abandoned.append(AbandonedSegment(unused: number, in: files))
            nextSegment = number
            return
        }
        let file = try JournalBytes(reading: files.path(.segment, number))
        withExtendedLifetime(file) { read(number, file.bytes, chain.entries) }
    }

    /// Whether a segment was prepared and not begun: whoever begins one writes its header first.
    private func isUnused(_ number: UInt64) throws(SystemError) -> Bool {
        let path = files.path(.segment, number)
        let beginning = try JournalBytes(reading: path, limit: JournalFormat.segmentHeaderSize)
        guard withExtendedLifetime(beginning, { beginning.bytes.endOfContent == 0 }) else { return false }
        let whole = try JournalBytes(reading: path, limit: 1 << 20)
        return withExtendedLifetime(whole) { whole.bytes.endOfContent == 0 }
    }

    private func read(
        _ number: UInt64, _ bytes: UnsafeRawBufferPointer, _ chain: [SegmentChain.Entry]
    ) {
        let path = files.path(.segment, number)
        bytesRead += bytes.count
        let isSealed = chain.last?.isLast ?? false
        guard var scan = SegmentScan(bytes) else {
            if chain.last?.recordsEnd == 0 {
                hash = chain.last?.hash ?? hash
                return
            }
            judge(path, 0, "its header is not that of a segment", isTorn: !isSealed)
            seal(number, bytes, 0, chain)
            return
        }
        if scan.header.previousSequence > state.position.sequence, state.position.sequence > 0 {
            problems.append(
                "\(path): records \(state.position.sequence + 1) to \(scan.header.previousSequence) are missing before it"
            )
        }
        let problem = takeRecords(&scan)
        let covered = Int(clamping: chain.last?.recordsEnd ?? 0)
        if problem != nil || covered > scan.offset {
            judge(path, scan.offset, problem ?? "records are missing up to \(covered)", isTorn: covered <= scan.offset)
        }
        if isSealed { hash = chain.last?.hash ?? hash } else { seal(number, bytes, scan.offset, chain) }
    }

    /// What is wrong with the record that it ends at.
    private func takeRecords(_ scan: inout SegmentScan) -> String? {
        while true {
            switch scan.next() {
            case .record(let header, let body):
                recordsRead += 1
                state.take(header, body)
            case .end: return nil
            case .broken(let what): return what.description
            }
        }
    }

    private func judge(_ path: String, _ offset: Int, _ what: String, isTorn: Bool) {
        if isTorn {
            remarks.append("\(path):\(offset): torn by a crash: \(what)")
        } else {
            problems.append(
                "\(path):\(offset): damaged: \(what). What follows in it is not counted until a snapshot shows it; "
                    + "`gate journal verify` tells more")
        }
    }

    private func seal(
        _ number: UInt64, _ bytes: UnsafeRawBufferPointer, _ recordsEnd: Int, _ chain: [SegmentChain.Entry]
    ) {
        let sealed = AbandonedSegment(
            number, in: files, bytes: bytes, recordsEnd: recordsEnd, written: chain, previous: hash, hash: &hash)
        guard let sealed else {
            hash = chain.last?.hash ?? hash
            problems.append(
                "\(files.path(.chain, number)): it is not the chain of its segment; `gate journal verify` tells more")
            return
        }
        abandoned.append(sealed)
    }
}

extension JournalState {
    /// Takes up a checkpoint.
    func read(checkpoint bytes: UnsafeRawBufferPointer, number: UInt64) -> CheckpointReader.Verdict {
        let verdict = CheckpointReader.check(bytes, number: number)
        guard verdict == .whole, var scan = SegmentScan(bytes) else { return verdict }
        isReadingCheckpoint = true
        defer { isReadingCheckpoint = false }
        var beginning = CheckpointRecord()
        while case .record(let header, let body) = scan.next() {
            if header.kind == JournalKind.checkpoint.rawValue {
                var decoder = RecordDecoder(body)
                beginning.lay(&decoder)
            }
            take(header, body)
        }
        position = JournalPosition(sequence: beginning.sequence, checksum: beginning.checksum)
        forgetNumbers()
        return .whole
    }
}
