import Gate
import Testing

struct MirrorStateMachineTests {
    /// Brings a machine up to where tracking is enabled.
    private func tracking(dataConnections: Int = 2) -> MirrorStateMachine {
        var machine = MirrorStateMachine(dataConnections: dataConnections)
        #expect(machine.retryDue() == .connectSubscriber)
        #expect(machine.subscriberOpened() == .askClientID)
        #expect(machine.gotClientID(7) == .subscribe)
        #expect(machine.subscribed() == .connectData)
        for _ in 1..<dataConnections { #expect(machine.dataOpened() == .none) }
        #expect(machine.dataOpened() == .enableTracking(redirectTo: 7))
        #expect(machine.trackingEnabled() == .resynchronise)
        return machine
    }

    @Test(arguments: [1, 2])
    func `goes live once all values are read and a heartbeat is seen`(dataConnections: Int) {
        var valuesFirst = tracking(dataConnections: dataConnections)
        #expect(valuesFirst.valuesRead() == .none)
        #expect(valuesFirst.phase != .live)
        #expect(valuesFirst.heartbeatSeen() == .goLive)
        #expect(valuesFirst.phase == .live)
        var heartbeatFirst = tracking(dataConnections: dataConnections)
        #expect(heartbeatFirst.heartbeatSeen() == .none)
        #expect(heartbeatFirst.heartbeatSeen() == .none)
        #expect(heartbeatFirst.valuesRead() == .goLive)
    }

    @Test func `begins anew after a loss in any phase`() {
        var steps = 0
        let script: [(inout MirrorStateMachine) -> Void] = [
            { _ = $0.retryDue() }, { _ = $0.subscriberOpened() }, { _ = $0.gotClientID(7) }, { _ = $0.subscribed() },
            { _ = $0.dataOpened() }, { _ = $0.dataOpened() }, { _ = $0.trackingEnabled() }, { _ = $0.valuesRead() },
            { _ = $0.heartbeatSeen() },
        ]
        for length in 0...script.count {
            var machine = MirrorStateMachine(dataConnections: 2)
            for step in script.prefix(length) { step(&machine) }
            #expect(machine.lost(random: 0.5) == .retry(after: 0))
            #expect(machine.phase == .down)
            #expect(machine.retryDue() == .connectSubscriber)
            steps += 1
        }
        #expect(steps == 10)
    }

    @Test func `ignores what comes out of turn`() {
        var machine = MirrorStateMachine(dataConnections: 2)
        #expect(machine.subscriberOpened() == .none)
        #expect(machine.valuesRead() == .none)
        #expect(machine.heartbeatSeen() == .none)
        #expect(machine.phase == .down)
        #expect(machine.retryDue() == .connectSubscriber)
        #expect(machine.retryDue() == .none)
        #expect(machine.dataOpened() == .none)
        #expect(machine.trackingEnabled() == .none)
        #expect(machine.phase == .connectingSubscriber)
    }

    @Test func `waits longer after each loss, never so long that a second passes`() {
        var machine = MirrorStateMachine(dataConnections: 1)
        var delays: [Int64] = []
        for _ in 0..<20 {
            if case .retry(let delay) = machine.lost(random: 0.5) { delays.append(delay) }
        }
        #expect(delays.count == 20)
        #expect(Array(delays.prefix(4)) == [0, 50_000_000, 80_000_000, 128_000_000])
        #expect(zip(delays, delays.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(delays.last == 250_000_000)
        #expect(machine.lost(random: 0) == .retry(after: 200_000_000))
        #expect(machine.lost(random: 0.999_999) <= .retry(after: 300_000_000))
    }

    @Test func `tries each address once before it pauses, and stays with the one that was live`() {
        var machine = MirrorStateMachine(dataConnections: 1, addresses: 3)
        var addresses: [Int] = []
        var delays: [Int64] = []
        for _ in 0..<7 {
            #expect(machine.retryDue() == .connectSubscriber)
            addresses.append(machine.address)
            if case .retry(let delay) = machine.lost(random: 0.5) { delays.append(delay) }
        }
        #expect(addresses == [0, 1, 2, 0, 1, 2, 0])
        #expect(delays == [0, 0, 0, 0, 0, 50_000_000, 0])
        _ = machine.retryDue()
        _ = machine.subscriberOpened()
        _ = machine.gotClientID(7)
        _ = machine.subscribed()
        _ = machine.dataOpened()
        _ = machine.trackingEnabled()
        _ = machine.valuesRead()
        #expect(machine.heartbeatSeen() == .goLive)
        #expect(machine.address == 1)
        #expect(machine.lost(random: 0.5) == .retry(after: 0))
        #expect(machine.address == 1)
        _ = machine.retryDue()
        #expect(machine.lost(random: 0.5) == .retry(after: 0))
        #expect(machine.address == 2)
    }

    @Test func `tries at once again after it was live`() {
        var machine = tracking()
        _ = machine.valuesRead()
        _ = machine.heartbeatSeen()
        #expect(machine.lost(random: 0.5) == .retry(after: 0))
        #expect(machine.lost(random: 0.5) == .retry(after: 50_000_000))
        #expect(machine.failures == 2)
    }
}

extension MirrorStateMachine.Action {
    fileprivate static func <= (left: Self, right: Self) -> Bool {
        guard case .retry(let left) = left, case .retry(let right) = right else { return false }
        return left <= right
    }
}

struct LinkHeartbeatTests {
    @Test func `confirms the moment of sending, once both signs have come`() {
        var heartbeat = LinkHeartbeat()
        #expect(heartbeat.answered() == nil)
        #expect(heartbeat.seen() == nil)
        heartbeat.sent(at: 5)
        #expect(heartbeat.seen() == nil)
        #expect(heartbeat.answered() == 5)
        #expect(heartbeat.sentAt == nil)
        heartbeat.sent(at: 9)
        #expect(heartbeat.answered() == nil)
        #expect(heartbeat.answered() == nil)
        #expect(heartbeat.seen() == 9)
        #expect(heartbeat.seen() == nil)
    }

    @Test func `waits for every connection`() {
        var heartbeat = LinkHeartbeat()
        heartbeat.sent(at: 5, connections: 2)
        #expect(heartbeat.seen() == nil)
        #expect(heartbeat.answered() == nil)
        #expect(heartbeat.answered() == 5)
        #expect(heartbeat.answered() == nil)
    }
}
