import Gate
import RiskRules
import Testing

/// What is taken over from Redis and what is written there, record by record.
struct StopExchangeTests {
    private static let now: Int64 = 1_760_000_000_000
    private let target = StopTarget.global

    private func record(_ active: Bool, _ epoch: Int64, by person: String = "b") -> StopRecord {
        StopRecord(target: .global, active: active, epoch: epoch, reason: "r", by: person, at: epoch * 1_000_000)
    }

    private func text(_ active: Bool, _ epoch: Int64) -> [UInt8] {
        Array(
            #"{"active":\#(active),"epoch":\#(epoch),"reason":"r","by":"b","at":"2025-10-09T08:53:20.000Z"}"#.utf8)
    }

    /// An exchange of stops of one target.
    private final class Exchange {
        private(set) var state: StopExchange
        private let target = StopTarget.global

        init(held: StopRecord? = nil, isLinked: Bool = true) {
            state = StopExchange(held: held.map { [$0] } ?? [])
            if isLinked { state.synchronised() }
        }

        func read(_ text: [UInt8]?, latest: StopRecord? = nil) -> StopExchange.Verdict {
            state.read(
                target, text.map { .text($0) } ?? .absent, latest: latest, wallNow: StopExchangeTests.now * 1_000_000)
        }

        func write(_ record: StopRecord) -> StopExchange.Write? { state.write(target, record) }
        func change(_ body: (inout StopExchange) -> Void) { body(&state) }
        func retry() -> Set<StopTarget> { state.retry() }
    }

    @Test(
        arguments: [
            (true, 5, false, 6, true), (true, 5, false, 5, false), (true, 5, false, 4, false),
            (false, 5, true, 6, true),
            (false, 5, true, 5, true), (false, 5, true, 4, false),
        ] as [(Bool, Int64, Bool, Int64, Bool)])
    func `what supersedes is taken over, what is older is overwritten`(
        kept: Bool, keptEpoch: Int64, coming: Bool, comingEpoch: Int64, isTaken: Bool
    ) {
        let exchange = Exchange()
        let own = record(kept, keptEpoch)
        let verdict = exchange.read(text(coming, comingEpoch), latest: own)
        guard case .take(let record) = verdict else {
            #expect(!isTaken && verdict == .known)
            let write = exchange.write(own)
            #expect(write?.record == own && write?.seen == .text(text(coming, comingEpoch)))
            return
        }
        #expect(isTaken && record.epoch == comingEpoch && record.active == coming)
        #expect(exchange.write(record) == nil)
    }

    @Test func `an epoch a minute ahead of the clock is taken, one more is refused`() {
        let exchange = Exchange()
        guard case .take = exchange.read(text(true, Self.now + 60_000)) else { return #expect(Bool(false)) }
        #expect(exchange.read(text(true, Self.now + 60_001)) == .refused(.future, isNews: true))
        #expect(exchange.read(text(true, Self.now + 60_001)) == .refused(.future, isNews: false))
        // Time makes it one that counts.
        #expect(exchange.retry() == [target])
    }

    @Test(
        arguments: [
            "", "x", "{}", "[]", "null", "7",
            #"{"active":1,"epoch":1,"reason":"","by":"","at":"2025-10-09T08:53:20.000Z"}"#,
            #"{"active":true,"epoch":"1","reason":"","by":"","at":"2025-10-09T08:53:20.000Z"}"#,
            #"{"active":true,"epoch":-1,"reason":"","by":"","at":"2025-10-09T08:53:20.000Z"}"#,
            #"{"active":true,"epoch":1.5,"reason":"","by":"","at":"2025-10-09T08:53:20.000Z"}"#,
            #"{"active":true,"epoch":99999999999999999999,"reason":"","by":"","at":"2025-10-09T08:53:20.000Z"}"#,
            #"{"active":true,"epoch":1,"reason":"","by":"","at":"now"}"#, #"{"active":true,"epoch":1}"#,
        ])
    func `garbage is refused, and overwritten once by who holds a stop`(garbage: String) {
        let stop = record(true, 5)
        let holder = Exchange(held: stop)
        #expect(holder.read(Array(garbage.utf8), latest: stop) == .refused(.garbage, isNews: true))
        let write = holder.write(stop)
        #expect(write?.seen == .text(Array(garbage.utf8)))
        guard let write else { return }
        holder.change { $0.wrote(write, latest: stop) }
        // Whoever writes it again at once is not answered at once.
        #expect(holder.read(Array(garbage.utf8), latest: stop) == .refused(.garbage, isNews: true))
        #expect(holder.write(stop) == nil)
        #expect(holder.retry() == [target])
        #expect(holder.read(Array(garbage.utf8), latest: stop) == .refused(.garbage, isNews: false))
        #expect(holder.write(stop) != nil)

        let other = Exchange()
        _ = other.read(Array(garbage.utf8), latest: record(false, 5))
        #expect(other.write(record(false, 5)) == nil)
    }

    @Test func `a missing key lifts nothing: who holds a stop writes it again, its end is not`() {
        let exchange = Exchange()
        let stop = record(true, 5)
        _ = exchange.read(text(true, 5))
        #expect(exchange.read(nil, latest: stop) == .known)
        #expect(exchange.write(stop)?.seen == .absent)
        let empty = Exchange()
        #expect(empty.write(record(false, 6)) == nil)
        // Unless it was made here and nobody was told.
        empty.change { $0.recorded(target) }
        #expect(empty.write(record(false, 6)) != nil)
    }

    @Test func `nothing is written before everything was read`() {
        let exchange = Exchange(held: record(true, 5), isLinked: false)
        #expect(exchange.write(record(true, 5)) == nil)
        #expect(!exchange.state.isUnderWay(target) && exchange.state.unshared == [target])
        exchange.change { $0.synchronised() }
        #expect(exchange.state.isUnderWay(target))
        guard let write = exchange.write(record(true, 5)) else { return #expect(Bool(false)) }
        #expect(exchange.write(record(true, 5)) == nil, "one at a time")
        exchange.change { $0.wrote(write, latest: record(true, 5)) }
        #expect(exchange.state.unshared.isEmpty)
    }

    @Test func `a write that is overtaken waits for what stands there`() {
        let exchange = Exchange(held: record(true, 5))
        guard let write = exchange.write(record(true, 5)) else { return #expect(Bool(false)) }
        exchange.change { $0.overtaken(write) }
        #expect(exchange.write(record(true, 5)) == nil)
        _ = exchange.read(text(false, 4), latest: record(true, 5))
        #expect(exchange.write(record(true, 5))?.seen == .text(text(false, 4)))
    }

    @Test func `a write that Redis refuses is tried again later`() {
        let exchange = Exchange(held: record(true, 5))
        guard let write = exchange.write(record(true, 5)) else { return #expect(Bool(false)) }
        exchange.change { $0.failed(write) }
        #expect(exchange.write(record(true, 5)) == nil)
        #expect(exchange.state.needsRetry && !exchange.state.isUnderWay(target))
        #expect(exchange.retry() == [target])
        _ = exchange.read(nil, latest: record(true, 5))
        #expect(exchange.write(record(true, 5)) != nil)
    }

    @Test func `of two different records of one epoch every Gate keeps the same`() {
        let records = [record(true, 5, by: "a"), record(true, 5, by: "b"), record(false, 5, by: "c"), record(true, 5)]
        for one in records {
            for other in records where one != other {
                #expect(one.supersedes(other) != other.supersedes(one))
            }
            #expect(!one.supersedes(one))
        }
        #expect(record(true, 5, by: "a").supersedes(record(false, 5, by: "z")))
    }
}

/// Several Gates and one Redis, told of one another late, twice or not at all: whatever the order, all end with the same.
struct StopConvergenceTests {
    /// One run, in which everything that happens is drawn from a seed.
    private struct World {
        struct Gate {
            var ledger = StopLedger()
            var exchange = StopExchange(held: [])
            /// Milliseconds by which its clock is wrong.
            var skew: Int64
            var isLinked = false
            /// The last key of the scan under way.
            var isScanning: StopTarget?
            /// To Redis, in order.
            var commands: [Command] = []
            /// From Redis, in order.
            var answers: [Answer] = []
        }
        enum Command {
            case scan
            case get(StopTarget)
            case replace(StopExchange.Write)
        }
        enum Answer {
            case scanned([StopTarget])
            case changed(StopTarget)
            case value(StopTarget, SeenValue)
            case replaced(StopExchange.Write, Bool)
            case synchronised
        }

        var random: SplitMix
        var redis: [StopTarget: [UInt8]] = [:]
        var gates: [Gate]
        /// Commands of lost connections, which Redis may still carry out.
        var orphans: [Command] = []
        var newest: [StopTarget: StopRecord] = [:]
        var clock: Int64 = 1_760_000_000_000
        let targets: [StopTarget]

        init(seed: UInt64, gates count: Int) {
            var random = SplitMix(seed: seed)
            targets = ["global", "account:A", "strategy:S", "symbol:X"].compactMap { StopTarget($0) }
            gates = (0..<count).map { _ in Gate(skew: Int64.random(in: -20_000...20_000, using: &random)) }
            self.random = random
        }

        func wallNow(_ gate: Int) -> Int64 { (clock + gates[gate].skew) * 1_000_000 }

        mutating func step(flushes: Bool, restarts: Bool) {
            clock += Int64.random(in: 0...3, using: &random)
            let gate = Int.random(in: 0..<gates.count, using: &random)
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<12: make(gate, active: true)
            case 12..<20: make(gate, active: false)
            case 20..<24: loseLink(gate)
            case 24..<32: if !gates[gate].isLinked { link(gate) }
            case 32..<36: if gates[gate].isLinked { gates[gate].commands.append(.get(anyTarget())) }
            case 36..<42: runOrphan()
            case 42..<44: if flushes { flush() }
            case 44..<46:
                guard restarts else { break }
                loseLink(gate)
                gates[gate].exchange = StopExchange(held: gates[gate].ledger.all)
            case 46..<73: runCommand(gate)
            default: takeAnswer(gate)
            }
        }

        mutating func anyTarget() -> StopTarget { targets[Int.random(in: 0..<targets.count, using: &random)] }

        mutating func make(_ gate: Int, active: Bool) {
            let target = anyTarget()
            if !active, gates[gate].ledger[target]?.active != true { return }
            let record = gates[gate].ledger.next(
                target, active: active, reason: "r\(Int.random(in: 0...9, using: &random))", by: "g\(gate)",
                wallNow: wallNow(gate))
            gates[gate].ledger.apply(record)
            if newest[target].map({ record.supersedes($0) }) ?? true { newest[target] = record }
            gates[gate].exchange.recorded(target)
            write(gate, target)
        }

        mutating func write(_ gate: Int, _ target: StopTarget) {
            if let write = gates[gate].exchange.write(target, gates[gate].ledger[target]) {
                gates[gate].commands.append(.replace(write))
            }
        }

        mutating func loseLink(_ gate: Int) {
            guard gates[gate].isLinked else { return }
            gates[gate].isLinked = false
            if Bool.random(using: &random) { orphans += gates[gate].commands }
            gates[gate].commands = []
            gates[gate].answers = []
            gates[gate].exchange.linkLost()
        }

        mutating func link(_ gate: Int) {
            gates[gate].isLinked = true
            gates[gate].isScanning = nil
            gates[gate].commands = [.scan]
        }

        mutating func flush() {
            redis = [:]
            for gate in gates.indices where gates[gate].isLinked {
                for target in targets { gates[gate].answers.append(.changed(target)) }
            }
        }

        mutating func runOrphan() {
            guard !orphans.isEmpty else { return }
            if case .replace(let write) = orphans.remove(at: Int.random(in: 0..<orphans.count, using: &random)) {
                _ = replace(write)
            }
        }

        mutating func replace(_ write: StopExchange.Write) -> Bool {
            let target = write.record.target
            let kept = redis[target].map { SeenValue.text($0) } ?? .absent
            guard kept == write.seen else { return false }
            redis[target] = write.text
            for gate in gates.indices where gates[gate].isLinked { gates[gate].answers.append(.changed(target)) }
            return true
        }

        @discardableResult
        mutating func runCommand(_ gate: Int) -> Bool {
            guard !gates[gate].commands.isEmpty else { return false }
            switch gates[gate].commands.removeFirst() {
            case .scan: gates[gate].answers.append(.scanned(Array(redis.keys)))
            case .get(let target):
                gates[gate].answers.append(.value(target, redis[target].map { .text($0) } ?? .absent))
                if gates[gate].isScanning == target { gates[gate].answers.append(.synchronised) }
            case .replace(let write):
                let isDone = replace(write)
                gates[gate].answers.append(.replaced(write, isDone))
            }
            return true
        }

        @discardableResult
        mutating func takeAnswer(_ gate: Int) -> Bool {
            guard !gates[gate].answers.isEmpty else { return false }
            switch gates[gate].answers.removeFirst() {
            case .scanned(let targets):
                for target in targets { gates[gate].commands.append(.get(target)) }
                gates[gate].isScanning = targets.last
                if targets.isEmpty { gates[gate].answers.append(.synchronised) }
            case .changed(let target): gates[gate].commands.append(.get(target))
            case .value(let target, let value):
                let verdict = gates[gate].exchange.read(
                    target, value, latest: gates[gate].ledger[target], wallNow: wallNow(gate))
                if case .take(let record) = verdict { gates[gate].ledger.apply(record) }
                write(gate, target)
            case .synchronised:
                gates[gate].isScanning = nil
                gates[gate].exchange.synchronised()
                for target in targets { write(gate, target) }
            case .replaced(let done, true):
                gates[gate].exchange.wrote(done, latest: gates[gate].ledger[done.record.target])
                write(gate, done.record.target)
            case .replaced(let late, false):
                gates[gate].exchange.overtaken(late)
                gates[gate].commands.append(.get(late.record.target))
            }
            return true
        }

        /// Links every Gate and lets everything that is under way come to its end. False where it never does.
        mutating func settle() -> Bool {
            for gate in gates.indices where !gates[gate].isLinked { link(gate) }
            for _ in 0..<20_000 {
                let gate = Int.random(in: 0..<gates.count, using: &random)
                if Bool.random(using: &random) { runCommand(gate) } else { takeAnswer(gate) }
                if gates.allSatisfy({ $0.commands.isEmpty && $0.answers.isEmpty }) { return true }
            }
            return false
        }
    }

    @Test(arguments: [(false, false), (true, false), (true, true)])
    func `all Gates end with the same records`(flushes: Bool, restarts: Bool) throws {
        for seed in 0..<200 as Range<UInt64> {
            var world = World(seed: seed, gates: 2 + Int(seed % 3))
            for _ in 0..<400 { world.step(flushes: flushes, restarts: restarts) }
            let isSettled = world.settle()
            try #require(isSettled, "seed \(seed) never comes to rest")
            for target in world.targets {
                let records = world.gates.map { $0.ledger[target] }
                let newest = world.newest[target]
                if flushes {
                    // The end of a stop that Redis forgot is told only to whom it concerns.
                    #expect(
                        records.allSatisfy { ($0?.active ?? false) == (newest?.active ?? false) },
                        "seed \(seed): \(target)")
                    if newest?.active == true {
                        #expect(records.allSatisfy { $0 == newest }, "seed \(seed): \(target)")
                    }
                } else {
                    #expect(records.allSatisfy { $0 == newest }, "seed \(seed): \(target): \(records)")
                    #expect(
                        world.gates.allSatisfy { !$0.exchange.unshared.contains(target) }, "seed \(seed): \(target)")
                }
            }
        }
    }
}
