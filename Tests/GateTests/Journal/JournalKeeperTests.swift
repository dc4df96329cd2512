import Foundation
import Gate
import Glibc
import RiskRules
import Testing

/// Segments come and go, and a disk that is full is no more than that.
@Suite struct JournalKeeperTests {
    private let directory: TemporaryDirectory
    private var journal: String { directory.path("journal") }

    init() throws { directory = try TemporaryDirectory() }

    private func fill(_ desk: JournalDesk, segments: Int) throws {
        var order = 0
        while try desk.files.numbers(.segment).count <= segments {
            try desk.decide("c-\(order)")
            order += 1
            if order % 100 == 0 { desk.tick() }
            desk.pass(nanoseconds: 1_000_000)
        }
        desk.tick()
    }

    @Test func `the next segment stands ready, and a full one is sealed and checkpointed`() throws {
        let desk = try JournalDesk(in: journal)
        desk.begin()
        #expect(try desk.files.numbers(.segment) == [1])
        desk.tick()
        #expect(try desk.files.numbers(.segment) == [1, 2])
        try fill(desk, segments: 3)
        #expect(try desk.files.numbers(.checkpoint).last == 3)
        #expect(try JournalDesk.verify(journal).findings.isEmpty)
        #expect(desk.metrics.unrecordedCount == 0)
        desk.close()
        let verifier = try JournalDesk.verify(journal)
        #expect(verifier.findings.isEmpty && verifier.remarks.isEmpty)
        #expect(verifier.segments == 3)
    }

    @Test func `segments beyond those retained go, and none that a restart would need`() {
        var configuration = JournalConfiguration()
        configuration.retainedSegments = 2
        configuration.retention = .seconds(100)
        func surplus(_ ages: [Int], checkpoints: [UInt64]) -> [UInt64] {
            JournalRetention.surplus(
                of: ages.enumerated().map { (UInt64($0 + 1), .seconds($1)) }, checkpoints: checkpoints,
                by: configuration)
        }
        #expect(surplus([9, 8, 7, 6, 5], checkpoints: [4, 5]) == [1, 2])
        #expect(surplus([9, 8, 7], checkpoints: [2, 3]) == [])
        #expect(surplus([9, 8, 7, 6, 5], checkpoints: [2, 5]) == [1])
        #expect(surplus([9, 8, 7, 6, 5], checkpoints: [5]) == [])
        #expect(surplus([101, 100, 7], checkpoints: [3, 3]) == [1])
        #expect(surplus([200, 200, 200], checkpoints: [2, 3]) == [1])
    }

    @Test func `old segments are removed with their chains and checkpoints`() throws {
        let desk = try JournalDesk(in: journal) { $0.retainedSegments = 2 }
        desk.begin()
        for round in 0..<6 {
            let last = try desk.files.numbers(.segment).last ?? 0
            while try desk.files.numbers(.segment).last == last {
                for _ in 0..<200 { try desk.decide("c-\(round)") }
                desk.tick()
            }
        }
        desk.close()
        let files = try desk.files
        #expect(files.numbers(.segment).count == 2)
        #expect(files.numbers(.chain) == files.numbers(.segment))
        #expect(files.numbers(.checkpoint).count == 2)
        #expect(try JournalDesk.verify(journal).findings.isEmpty)
    }

    @Test func `without a segment nothing is recorded, counted, and said as soon as there is one`() throws {
        let desk = try JournalDesk(in: journal)
        desk.begin()
        var order = 0
        while try desk.decide("c-\(order)") != nil || desk.metrics.unrecordedCount == 0 { order += 1 }
        #expect(!desk.writer.isReady(at: desk.at))
        let missed = desk.metrics.unrecordedCount
        var cancel = JournalCancel()
        cancel.connection = 1
        #expect(!desk.writer.cancel(cancel, at: desk.at))
        #expect(desk.metrics.unrecordedCount == missed + 1)

        desk.tick()
        #expect(desk.writer.isReady(at: desk.at))
        #expect(desk.writer.cancel(cancel, at: desk.at))
        let gaps = try JournalDesk.lines(in: journal, [.gap])
        #expect(gaps.count == 1)
        #expect(gaps.first?.text.hasSuffix("decisions=\(missed) cancels=1 others=0") == true)
        desk.tick()
        desk.close()
        #expect(try JournalDesk.verify(journal).findings.isEmpty)
    }

    /// A disk of two mebibytes; only who is root may have it.
    private func smallDisk() throws -> String? {
        guard geteuid() == 0 else { return nil }
        try directory.makeDirectory("disk")
        let path = directory.path("disk")
        let mount = Process()
        mount.executableURL = URL(filePath: "/bin/mount")
        mount.arguments = ["-t", "tmpfs", "-o", "size=2560k", "tmpfs", path]
        mount.standardError = FileHandle.nullDevice
        try mount.run()
        mount.waitUntilExit()
        return mount.terminationStatus == 0 ? path : nil
    }

    @Test func `a full disk is said, and passes when there is room again`() throws {
        guard let disk = try smallDisk() else { return }
        defer { umount2(disk, Int32(MNT_DETACH)) }
        let ballast = disk + "/ballast"
        try Data(count: 1 << 20).write(to: URL(filePath: ballast))
        let desk = try JournalDesk(in: disk + "/journal")
        desk.begin()
        desk.tick()
        #expect(try desk.files.numbers(.segment) == [1])
        #expect(desk.metrics.failureCount == 1)
        var order = 0
        while desk.metrics.unrecordedCount == 0 {
            try desk.decide("c-\(order)")
            order += 1
        }
        try FileManager.default.removeItem(atPath: ballast)
        // Tried again a second after the refusal.
        let deadline = Date(timeIntervalSinceNow: 5)
        while !desk.writer.isReady(at: desk.at), Date() < deadline {
            desk.loop.readClock()
            desk.loop.turn(wait: true)
        }
        #expect(try desk.decide("c-last") != nil || desk.writer.isReady(at: desk.at))
        #expect(try JournalDesk.lines(in: disk + "/journal", [.gap]).count == 1)
        #expect(try JournalDesk.verify(disk + "/journal").findings.isEmpty)
    }
}
