import Foundation
import Gate
import RiskRules

extension FuzzTarget {
    /// As a segment, and, since few bytes pass its checksums, as records without them: each its kind, its size in two bytes,
    /// and its fields.
    func journal(_ bytes: UnsafeRawBufferPointer) throws {
        var printer = JournalPrinter()
        if var scan = SegmentScan(bytes) {
            var offset = scan.offset
            while case .record(let header, let body) = scan.next() {
                try require(scan.offset > offset && scan.offset <= bytes.count, "a record that leads nowhere")
                offset = scan.offset
                _ = printer.line(header, body)
            }
        }
        let state = JournalState(limits: FuzzContext.shared.limits)
        var rest = bytes[...]
        var sequence: UInt64 = 0
        while rest.count >= 3 {
            let size = Int(rest[rest.startIndex + 1]) | Int(rest[rest.startIndex + 2]) << 8
            let kind = JournalKind(rawValue: rest[rest.startIndex])
            rest = rest.dropFirst(3)
            let body = UnsafeRawBufferPointer(rebasing: rest.prefix(size))
            rest = rest.dropFirst(size)
            guard let kind else { continue }
            sequence += 1
            let header = RecordHeader(size: body.count, kind: kind, sequence: sequence, at: Int64(sequence))
            let line = printer.line(header, body)
            try require(line.json.utf8.first == UInt8(ascii: "{"), "a line that is no object")
            try require(!line.text.utf8.contains { $0 < 0x20 }, "a line that a terminal may obey")
            state.take(header, body)
        }
    }

    /// Whatever the files hold, a run goes on from them; what it took over is what a checkpoint of it gives back.
    func recovery(_ bytes: UnsafeRawBufferPointer) throws {
        let context = FuzzContext.shared
        let directory = "\(FuzzFiles.scratch)/gate-fuzz-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for (name, content) in JournalForge.files(of: bytes) {
            try Data(content).write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
        }
        let files = try JournalFiles(listing: directory)
        _ = try JournalVerifier(checking: files)
        _ = try JournalQuery().forEachLine(in: files) { _ in }
        let left = try recovered(from: directory)
        let numbers = Self.numbers(of: left.state)
        let restored = restore(left.state)
        try require(restored.reservations + restored.leftOut == numbers.count, "reservations are lost unseen")

        let next: UInt64 = 1_000
        try CheckpointWriter.write(left.state, next: next, in: files, at: context.wallNow)
        let again = try recovered(from: directory)
        try require(!again.problems.contains { $0.contains(JournalFiles.name(.checkpoint, next)) }, "no checkpoint")
        try require(Self.numbers(of: again.state) == numbers, "reservations are lost in a checkpoint")
        // Which of too many are left out depends on the order in which they come.
        guard restored.leftOut == 0 else { return }
        try require(restore(again.state) == restored, "a checkpoint gives back something else")
    }

    /// Of the reservations that a state holds.
    private static func numbers(of state: JournalState) -> Set<UInt64> {
        var numbers: Set<UInt64> = []
        state.forEachImage { numbers.insert($0.number) }
        return numbers
    }

    private func recovered(from directory: String) throws -> JournalRecovery {
        let context = FuzzContext.shared
        return try JournalRecovery(directory: directory, limits: context.limits, ruleSet: context.ruleSet)
    }

    private func restore(_ state: JournalState) -> JournalState.Restored {
        let context = FuzzContext.shared
        let engine = RiskEngine(limits: context.limits)
        engine.install(context.ruleSet)
        let now: Int64 = 1_000_000_000_000
        engine.wallOffset = context.wallNow - now
        return state.restore(into: engine, now: now, startedAtWall: context.wallNow)
    }
}
