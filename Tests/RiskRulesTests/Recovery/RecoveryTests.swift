import RiskRules
import Testing

/// What an engine knows is what its successor knows, wherever the one goes down.
struct RecoveryTests {
    @Test(arguments: 0..<4)
    func `an engine restored from what was told judges, holds and remembers what the one before did`(part: Int) throws {
        var counts: [String: Int] = [:]
        for seed in (0..<12).filter({ $0 % 4 == part }) {
            let world = try RecoveryWorld(seed: UInt64(seed + 1), recounts: false)
            for round in 0..<12 {
                for _ in 0..<60 { try world.step() }
                try world.restart()
                for _ in 0..<30 { try world.step() }
                try world.compare()
                world.settleOn(twin: round % 3 != 0)
            }
            counts.merge(world.counts) { $0 + $1 }
        }
        #expect(counts["orders", default: 0] > 500 && counts["replaces", default: 0] > 100, "\(counts)")
        #expect(counts["snapshots", default: 0] > 100 && counts["answers", default: 0] > 200, "\(counts)")
    }

    @Test(arguments: 0..<4)
    func `an engine that only counts again has the windows of the one that decides`(part: Int) throws {
        var counts: [String: Int] = [:]
        for seed in (0..<12).filter({ $0 % 4 == part }) {
            let world = try RecoveryWorld(seed: UInt64(seed + 100), recounts: true)
            for _ in 0..<20 {
                for _ in 0..<30 { try world.step() }
                try world.compareWindows()
            }
            counts.merge(world.counts) { $0 + $1 }
        }
        #expect(counts["exports", default: 0] > 500 && counts["forgotten", default: 0] > 4, "\(counts)")
    }
}
