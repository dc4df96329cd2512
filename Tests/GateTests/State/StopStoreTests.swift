import Foundation
import Gate
import Logging
import RiskRules
import Testing

struct StopLedgerTests {
    private let account = StopTarget("account:A")

    private func record(_ active: Bool, epoch: Int64) -> StopRecord {
        StopRecord(target: .global, active: active, epoch: epoch, reason: "r", by: "b", at: epoch * 1_000_000)
    }

    @Test(
        arguments: [
            (true, 5, false, 6, false), (true, 5, false, 5, true), (true, 5, false, 4, true), (false, 5, true, 6, true),
            (false, 5, true, 5, true), (false, 5, true, 4, false),
        ])
    func `the higher epoch wins, at equal epochs the stop`(
        kept: Bool, keptEpoch: Int64, coming: Bool, comingEpoch: Int64, expected: Bool
    ) {
        var ledger = StopLedger()
        ledger.apply(record(kept, epoch: keptEpoch))
        ledger.apply(record(coming, epoch: comingEpoch))
        #expect(ledger[.global]?.active == expected)
    }

    @Test func `an epoch is the time in milliseconds, or one more than the last`() {
        var ledger = StopLedger()
        let first = ledger.next(.global, active: true, reason: "r", by: "b", wallNow: 7_000_000)
        #expect(first.epoch == 7 && first.at == 7_000_000)
        ledger.apply(first)
        let soon = ledger.next(.global, active: false, reason: "r", by: "b", wallNow: 7_900_000)
        #expect(soon.epoch == 8)
        let isTaken = ledger.apply(soon)
        #expect(isTaken)
        // The clock was set back.
        #expect(ledger.next(.global, active: true, reason: "r", by: "b", wallNow: 1_000_000).epoch == 9)
        #expect(ledger.next(.global, active: true, reason: "r", by: "b", wallNow: 20_000_000).epoch == 20)
    }

    @Test func `targets are kept apart`() throws {
        var ledger = StopLedger()
        let account = try #require(account)
        ledger.apply(ledger.next(account, active: true, reason: "r", by: "b", wallNow: 1_000_000))
        #expect(ledger[.global] == nil)
        #expect(ledger.activeCount(of: .account) == 1)
        #expect(ledger.activeCount(of: .global) == 0)
    }
}

struct DurableFileTests {
    private struct Crash: Error {}

    @Test(arguments: DurableFile.Step.allCases)
    func `a crash before any step leaves the old content or the new`(step: DurableFile.Step) throws {
        let directory = try TemporaryDirectory()
        let file = DurableFile(directory: directory.path, name: "f")
        try file.replace(with: Array("old".utf8))
        #expect(throws: SystemError.self) {
            try file.replace(with: Array("newer".utf8)) { reached throws(SystemError) in
                if reached == step { throw SystemError("crash", errno: EIO) }
            }
        }
        let expected = step == .syncDirectory ? "newer" : "old"
        #expect(try file.read(limit: 100) == Array(expected.utf8))
        try file.replace(with: Array("last".utf8))
        #expect(try file.read(limit: 100) == Array("last".utf8))
    }

    @Test func `a file that is not there has no content`() throws {
        let directory = try TemporaryDirectory()
        #expect(try DurableFile(directory: directory.path, name: "f").read(limit: 100) == nil)
    }

    @Test func `reads up to the limit and refuses more`() throws {
        let directory = try TemporaryDirectory()
        let file = DurableFile(directory: directory.path, name: "f")
        try file.replace(with: Array("12345".utf8))
        #expect(try file.read(limit: 5)?.count == 5)
        #expect(throws: SystemError("read \(directory.path)/f", errno: EFBIG)) { try file.read(limit: 4) }
    }
}

/// The keeper of stops on a directory of the test's own; what it tells the order thread is read from the mailbox.
struct StopStoreTests {
    private static let start: Int64 = 1_760_000_000_000_000_000
    private let directory: TemporaryDirectory
    private let loop: EventLoop
    private let metrics = GateMetrics()

    init() throws {
        directory = try TemporaryDirectory()
        loop = try EventLoop()
    }

    private final class Opened {
        let store: StopStore
        private let outbox: StateOutbox
        private let mailbox: Mailbox<StateUpdate>
        private let disk = SlowDisk()

        private final class SlowDisk {
            var tasks: [@Sendable () -> Result<Void, SystemError>] = []
        }

        init(_ test: StopStoreTests, directory: String? = nil) throws {
            let mailbox = Mailbox<StateUpdate>(capacity: 64, waker: test.loop.waker)
            let table = MirrorConfiguration.Table(
                database: 0, key: KeyTemplate(prefix: "p:", suffix: ""), maximumAge: 1)
            let lookups = MirrorMetrics()
            let outbox = StateOutbox(
                mailbox: mailbox,
                prices: MirrorTable(kind: .prices, table: table, priceField: "", lookups: lookups.prices),
                accounts: MirrorTable(kind: .accounts, table: table, priceField: "", lookups: lookups.accounts))
            self.mailbox = mailbox
            self.outbox = outbox
            let disk = disk
            store = try StopStore(
                directory: directory ?? test.directory.path, outbox: outbox, metrics: test.metrics,
                log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, wallNow: StopStoreTests.start,
                disk: { disk.tasks.append($0) })
        }

        /// Carries out the oldest write that was handed to the disk; false where there is none.
        @discardableResult
        func writeOne() -> Bool {
            guard !disk.tasks.isEmpty else { return false }
            store.written(disk.tasks.removeFirst()())
            return true
        }

        func stop(_ target: StopTarget, by person: String = "me", at: Int64 = StopStoreTests.start) throws -> StopRecord
        {
            try settled {
                store.stop(target, reason: "why \"so\"", by: person, trigger: .person, wallNow: at, then: $0)
            }
        }

        func resume(_ target: StopTarget, at: Int64 = StopStoreTests.start) throws -> StopRecord {
            try settled { store.resume(target, reason: "calm", authorizedBy: "she", wallNow: at, then: $0) }
        }

        /// What was acknowledged once everything is written down.
        private func settled(_ ask: (@escaping StopStore.Acknowledge) -> Void) throws -> StopRecord {
            var answer: Result<StopRecord, StopControlError>?
            ask { answer = $0 }
            while writeOne() {}
            return try #require(answer).get()
        }

        /// What the order thread was told since the last call: `+account:A` for a stop, `-account:A` for its end.
        func told() -> [String] {
            #expect(outbox.flush())
            var told: [String] = []
            while let update = mailbox.take() {
                guard update.kind == .stop else { continue }
                let name = update.scope == .global ? "global" : "\(update.scope):\(update.text.string)"
                told.append((update.flag ? "+" : "-") + name)
            }
            return told
        }
    }

    @discardableResult
    private func stop(_ opened: Opened, _ target: StopTarget, at: Int64 = start) throws -> StopRecord {
        try opened.stop(target, at: at)
    }

    private func target(_ text: String) throws -> StopTarget { try #require(StopTarget(text)) }

    @Test(arguments: ["global", "account:A", "strategy:mm-1", "symbol:BTC/USDT:USDT"])
    func `a stop outlives the process, and so does its end`(text: String) throws {
        let target = try target(text)
        let first = try Opened(self)
        #expect(first.told().isEmpty)
        let record = try stop(first, target)
        #expect(first.told() == ["+\(text)"])
        #expect(record.epoch == Self.start / 1_000_000)

        let second = try Opened(self)
        #expect(second.told() == ["+\(text)"])
        #expect(second.store.records == [record])
        let lifted = try second.resume(target)
        #expect(lifted.epoch == record.epoch + 1 && !lifted.active && lifted.by == "she" && lifted.reason == "calm")
        #expect(second.told() == ["-\(text)"])

        let third = try Opened(self)
        #expect(third.told().isEmpty)
        #expect(third.store.records == [lifted])
    }

    @Test func `what is not stopped cannot be resumed`() throws {
        let opened = try Opened(self)
        try stop(opened, target("account:A"))
        let error = #expect(throws: StopControlError.self) {
            try opened.resume(.global)
        }
        guard case .notActive = error else { return #expect(Bool(false), "\(String(describing: error))") }
        #expect(throws: Never.self) {
            try opened.resume(target("account:A"))
        }
        #expect(throws: StopControlError.self) {
            try opened.resume(target("account:A"))
        }
    }

    @Test(
        arguments: [
            "", "{", "[]", "{\"version\": 2, \"stops\": []}", "{\"version\": 1}",
            #"{"version": 1, "stops": [{"scope": "planet:X", "active": true, "epoch": 1, "reason": "", "by": "", "at": "2026-01-01T00:00:00.000Z"}]}"#,
            #"{"version": 1, "stops": [{"scope": "global", "active": "yes", "epoch": 1, "reason": "", "by": "", "at": "2026-01-01T00:00:00.000Z"}]}"#,
            #"{"version": 1, "stops": [{"scope": "global", "active": true, "epoch": 1, "reason": "", "by": "", "at": "soon"}]}"#,
        ])
    func `a damaged file stops everything, and says why`(content: String) throws {
        try directory.write(content, to: "stops.json")
        let opened = try Opened(self)
        #expect(opened.told() == ["+global"])
        #expect(opened.store.records.first?.reason.contains("stops.json is damaged") == true)
        // Nothing is decided by starting again.
        #expect(try Opened(self).told() == ["+global"])
        _ = try opened.resume(.global)
        #expect(opened.told() == ["-global"])
        #expect(try Opened(self).told().isEmpty)
        #expect(try String(contentsOfFile: directory.path("stops.json.damaged"), encoding: .utf8) == content)
    }

    @Test func `an empty list of stops stops nothing`() throws {
        try directory.write("{\"version\": 1, \"stops\": []}", to: "stops.json")
        #expect(try Opened(self).told().isEmpty)
    }

    @Test func `a stop that cannot be written down is in force, its end is not`() throws {
        let opened = try Opened(self)
        try stop(opened, target("account:A"))
        _ = opened.told()
        // A directory where the temporary file belongs: not even root can write there.
        try directory.makeDirectory("stops.json.new")
        let error = #expect(throws: StopControlError.self) { try stop(opened, .global) }
        guard case .notStored = error else { return #expect(Bool(false), "\(String(describing: error))") }
        #expect(opened.told() == ["+global"])
        #expect(opened.store.isUnwritten)
        #expect(throws: StopControlError.self) {
            try opened.resume(target("account:A"))
        }
        #expect(opened.told().isEmpty)
        #expect(metrics.activeStops.value(.account) == 1)

        try directory.remove("stops.json.new")
        opened.store.writeAgain()
        opened.writeOne()
        #expect(!opened.store.isUnwritten)
        #expect(try Opened(self).told().sorted() == ["+account:A", "+global"])
    }

    @Test func `a directory that cannot be used is an error at start`() throws {
        try directory.write("", to: "file")
        for path in [directory.path("missing"), directory.path("file")] {
            #expect(throws: SystemError.self) { try Opened(self, directory: path) }
        }
    }

    @Test func `counts stops by trigger and shows what is active`() throws {
        let opened = try Opened(self)
        try stop(opened, target("account:A"))
        try stop(opened, target("account:B"))
        try stop(opened, target("account:B"))
        #expect(metrics.stops.value(.person) == 3)
        #expect(metrics.activeStops.value(.account) == 2)
        _ = try opened.resume(target("account:A"))
        #expect(metrics.activeStops.value(.account) == 1)
        #expect(opened.store.records.map(\.target.description).sorted() == ["account:A", "account:B"])
    }

    @Test func `a stop is in force before it is written down, and acknowledged after`() throws {
        let opened = try Opened(self)
        var acknowledged = 0
        for target in [StopTarget.global, try target("account:A"), try target("symbol:X")] {
            opened.store.stop(target, reason: "r", by: "b", trigger: .rule, wallNow: Self.start) { _ in
                acknowledged += 1
            }
        }
        #expect(opened.told() == ["+global", "+account:A", "+symbol:X"])
        #expect(acknowledged == 0)
        opened.writeOne()
        #expect(acknowledged == 1)
        // What came while the disk was busy is written down together.
        opened.writeOne()
        #expect(acknowledged == 3)
        #expect(!opened.writeOne())
        #expect(try Opened(self).told().count == 3)
    }

    @Test func `the end of a stop is written down before it is in force`() throws {
        let opened = try Opened(self)
        try stop(opened, .global)
        _ = opened.told()
        var ended: StopRecord?
        opened.store.resume(.global, reason: "r", authorizedBy: "b", wallNow: Self.start) { ended = try? $0.get() }
        #expect(opened.told().isEmpty && opened.store.records.first?.active == true)
        opened.writeOne()
        #expect(opened.told() == ["-global"])
        #expect(opened.store.records == [ended])
    }

    @Test func `a stop that comes while its end is being written down holds`() throws {
        let opened = try Opened(self)
        try stop(opened, .global)
        var ended: Result<StopRecord, StopControlError>?
        opened.store.resume(.global, reason: "r", authorizedBy: "b", wallNow: Self.start) { ended = $0 }
        opened.store.stop(.global, reason: "again", by: "b", trigger: .rule, wallNow: Self.start)
        while opened.writeOne() {}
        guard case .failure(.notActive) = ended else { return #expect(Bool(false), "\(String(describing: ended))") }
        #expect(opened.store.records.map(\.reason) == ["again"])
        #expect(try Opened(self).store.records.map(\.active) == [true])
    }

    @Test func `each record that takes force is told, with what set it off`() throws {
        let opened = try Opened(self)
        var told: [String] = []
        opened.store.onRecord = { told.append("\($0.active) \($1.text)") }
        opened.store.stop(.global, reason: "r", by: "b", trigger: .breaker, wallNow: Self.start)
        #expect(told == ["true breaker"])
        opened.store.resume(.global, reason: "r", authorizedBy: "b", wallNow: Self.start)
        #expect(told == ["true breaker"])
        while opened.writeOne() {}
        #expect(told == ["true breaker", "false person"])
    }
}
