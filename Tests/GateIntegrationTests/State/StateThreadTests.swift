import CLinux
import Foundation
import Gate
import RiskRules
import Synchronization
import TestSupport
import Testing

/// Stops and signals on a running state thread, with no Redis at all.
@Suite(.serialized)
struct StateThreadTests {
    private let directory: StateDirectory

    init() throws {
        directory = try StateDirectory()
    }

    private func harness() throws -> StateHarness {
        let table = MirrorConfiguration.Table(
            database: 0, key: KeyTemplate(prefix: "a:", suffix: ""), maximumAge: 1_000_000_000)
        let configuration = MirrorConfiguration(
            addresses: [.unix(path: "\(directory.path)/nobody.sock")], prices: table, accounts: table, instance: "test")
        return try StateHarness(configuration, stateDirectory: directory.path)
    }

    @Test func `a stop through the service is in force and latched when it returns`() async throws {
        let harness = try harness()
        let target = try #require(StopTarget("account:A"))
        let stop = try await harness.service.stop(target, reason: "r", by: "me")
        let record = stop.record
        #expect(record.active && record.by == "me" && !stop.isShared)
        #expect(await harness.service.stops() == StopOverview([stop], isRedisLive: false))
        let content = try String(contentsOfFile: "\(directory.path)/stops.json", encoding: .utf8)
        #expect(content.contains("account:A"))
        try harness.wait("the order thread is told") { harness.stops.count == 1 }
        #expect(harness.stops.first?.active == true && harness.stops.first?.name == "A")
        let lifted = try await harness.service.resume(target, reason: "calm", authorizedBy: "she").record
        #expect(!lifted.active && lifted.epoch > record.epoch)
        try harness.wait("the order thread is told") { harness.stops.count == 2 }
        await #expect(throws: StopControlError.self) {
            try await harness.service.resume(target, reason: "calm", authorizedBy: "she")
        }
    }

    @Test func `stops are in force again after a restart, with Redis away`() async throws {
        let first = try harness()
        _ = try await first.service.stop(.global, reason: "r", by: "me")
        first.stop()
        let second = try harness()
        try second.wait("the stop is in force") { second.stops.contains { $0.active && $0.scope == .global } }
    }

    @Test func `SIGUSR1 stops everything and SIGHUP asks for the rules`() async throws {
        let reloads = Counts()
        // To the thread itself: another thread of the test process would take a signal in its own way.
        let harness = try harness()
        harness.handle.execute {
            $0.onReload = { reloads.reloads.wrappingAdd(1, ordering: .relaxed) }
            pthread_kill(pthread_self(), SIGUSR1)
            pthread_kill(pthread_self(), SIGHUP)
        }
        try harness.wait("the stop is in force") { harness.stops.contains { $0.active && $0.scope == .global } }
        let record = try #require(await harness.service.stops().stops.first).record
        #expect(record.reason == "SIGUSR1")
        #expect(record.by == "process \(getpid()) of user \(getuid())")
        #expect(harness.metrics.stops.value(.signal) == 1)
        try harness.wait("the rules are asked for") { reloads.reloads.load(ordering: .relaxed) == 1 }
    }

    @Test func `an emergency rule's stop is latched with its numbers`() async throws {
        let harness = try harness()
        var request = StateRequest(kind: .latchStop)
        request.scope = .account
        request.text = Array("A".utf8).withUnsafeBytes { NameText($0) }
        request.reject.reason = .drawdownExceeded
        request.reject.hasValue = true
        request.reject.value = FixedPoint(units: 3_100_000_000)
        request.reject.hasBound = true
        request.reject.bound = FixedPoint(units: 2_500_000_000)
        harness.push(request)
        try harness.wait("the stop is in force") { harness.stops.count == 1 }
        let record = try #require(await harness.service.stops().stops.first).record
        #expect(record.target.description == "account:A")
        #expect(record.reason == "DRAWDOWN_EXCEEDED: value 0.31 breaks its bound 0.25")
        #expect(harness.metrics.stops.value(.rule) == 1)
    }

    @Test func `the circuit breaker's stop is latched with what tripped it`() async throws {
        let harness = try harness()
        for (scope, name, trip, reason) in [
            (
                StopScope.account, "A", BreakerTrip(cause: .violations, count: 5, window: 60_000_000_000),
                "circuit breaker: 5 violations within 1m"
            ),
            (
                .strategy, "S", BreakerTrip(cause: .rejects, count: 40, window: 1_000_000_000),
                "circuit breaker: 40 rejects within 1s"
            ),
            (
                .account, "", BreakerTrip(cause: .rejects, count: 1, window: 1_000_000_000),
                "circuit breaker: 1 rejects within 1s"
            ),
        ] {
            var request = StateRequest(kind: .tripBreaker)
            request.scope = scope
            request.text = Array(name.utf8).withUnsafeBytes { NameText($0) }
            request.breaker = trip
            harness.push(request)
            let target = StopTarget("\(scope):\(name)") ?? .global
            try harness.wait("the stop is in force") { harness.stops.contains { $0.scope == target.scope } }
            let records = await harness.service.stops().stops.map(\.record)
            #expect(records.first { $0.target == target }?.reason == reason)
        }
        #expect(harness.metrics.stops.value(.breaker) == 3)
    }

    @Test func `a flood of refused orders is written down and holds nothing up`() async throws {
        let harness = try harness()
        var request = StateRequest(kind: .reject)
        request.reject.reason = .leverageExceeded
        for _ in 0..<2000 { harness.push(request) }
        _ = try await harness.service.stop(.global, reason: "r", by: "me")
        try harness.wait("the stop is in force") { harness.stops.count == 1 }
    }

    private final class Counts: Sendable {
        let reloads = Atomic<Int>(0)
    }
}
