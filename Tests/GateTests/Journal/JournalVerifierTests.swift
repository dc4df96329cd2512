import Foundation
import Gate
import Glibc
import RiskRules
import Testing

/// A journal proves itself, and what is wrong with it is found.
@Suite struct JournalVerifierTests {
    private let directory: TemporaryDirectory
    private var journal: String { directory.path("journal") }

    init() throws { directory = try TemporaryDirectory() }

    /// A few records, the run ended well or not.
    private func write(closes: Bool) throws {
        let desk = try JournalDesk(in: journal)
        desk.begin()
        try desk.decide("c-0")
        desk.bringToDisk()
        if closes { desk.close() }
    }

    private func contents() throws -> [String: [UInt8]] {
        let names = try FileManager.default.contentsOfDirectory(atPath: journal)
        return try Dictionary(
            uniqueKeysWithValues: names.map { ($0, [UInt8](try Data(contentsOf: URL(filePath: "\(journal)/\($0)")))) })
    }

    private func put(_ bytes: [UInt8], in name: String) throws {
        try Data(bytes).write(to: URL(filePath: "\(journal)/\(name)"))
    }

    @Test func `a journal that ended well is whole`() throws {
        try write(closes: true)
        let verifier = try JournalDesk.verify(journal)
        #expect(verifier.findings.isEmpty)
        #expect(verifier.remarks.isEmpty)
        #expect(verifier.segments == 1)
        #expect(verifier.records == 9)
        #expect(verifier.lastSequence == 9)
        #expect(verifier.hasCome(by: verifier.hash.description))
        #expect(!verifier.hasCome(by: String(repeating: "0", count: 64)))
    }

    @Test func `a journal whose run was killed is whole, and said to be in use`() throws {
        try write(closes: false)
        let verifier = try JournalDesk.verify(journal)
        #expect(verifier.findings.isEmpty)
        #expect(verifier.records == 8)
    }

    @Test func `a flipped bit at any byte is found`() throws {
        try write(closes: true)
        let whole = try contents()
        #expect(whole.count == 3)
        for (name, bytes) in whole {
            let file = open("\(journal)/\(name)", O_WRONLY)
            defer { Glibc.close(file) }
            for (place, byte) in bytes.enumerated() {
                var changed = byte ^ 1 << UInt8(place % 8)
                #expect(pwrite(file, &changed, 1, off_t(place)) == 1)
                #expect(try !JournalDesk.verify(journal).findings.isEmpty, "\(name) at \(place)")
                var restored = byte
                #expect(pwrite(file, &restored, 1, off_t(place)) == 1)
            }
        }
        #expect(try JournalDesk.verify(journal).findings.isEmpty)
    }

    @Test func `a journal that ended well and is cut off anywhere is damaged`() throws {
        try write(closes: true)
        for (name, bytes) in try contents() {
            for end in bytes.indices {
                try put(Array(bytes[..<end]), in: name)
                #expect(try !JournalDesk.verify(journal).findings.isEmpty, "\(name) to \(end)")
            }
            try put(bytes, in: name)
        }
    }

    @Test func `a tail that is cut off anywhere behind the chain is torn, and before it damaged`() throws {
        let desk = try JournalDesk(in: journal)
        desk.begin()
        try desk.decide("c-0")
        desk.bringToDisk()
        let name = "000000000001.gatej"
        let covered = try #require(try contents()[name]).lastIndex { $0 != 0 }.map { ($0 + 8) & ~7 } ?? 0
        try desk.decide("c-1")
        // What follows is zero, whether it is in the file or not.
        let bytes = Array(try #require(try contents()[name])[..<4096])
        let used = try #require(bytes.lastIndex { $0 != 0 }) + 1
        // As it is found after the host has crashed: what was not on the disk is zero.
        for end in 0..<used {
            var torn = bytes
            torn.replaceSubrange(end..., with: repeatElement(0, count: bytes.count - end))
            try put(torn, in: name)
            let verifier = try JournalDesk.verify(journal)
            let isHurt = torn[..<covered] != bytes[..<covered]
            #expect(verifier.findings.isEmpty != isHurt, "to \(end) of \(covered)")
            guard end % 37 == 0 else { continue }
            let recovery = try JournalRecovery(directory: journal, limits: JournalDesk.limits, ruleSet: desk.ruleSet)
            #expect(recovery.problems.isEmpty != isHurt, "to \(end) of \(covered)")
        }
    }

    @Test func `a segment that is missing, or in the place of another, is found`() throws {
        let name = "000000000002.gatej"
        for _ in 0..<3 { try write(closes: true) }
        #expect(try JournalDesk.verify(journal).findings.isEmpty)
        let whole = try contents()
        try FileManager.default.removeItem(atPath: "\(journal)/\(name)")
        #expect(try !JournalDesk.verify(journal).findings.isEmpty)
        try put(try #require(whole["000000000003.gatej"]), in: name)
        #expect(try !JournalDesk.verify(journal).findings.isEmpty)
        try put(try #require(whole[name]), in: name)
        #expect(try JournalDesk.verify(journal).findings.isEmpty)
    }
}
