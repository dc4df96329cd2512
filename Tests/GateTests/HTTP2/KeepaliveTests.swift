import Gate
import Testing

@Suite struct KeepaliveTests {
    private static let limits = Keepalive.Limits(active: 10, idle: 300, timeout: 2, mostPings: 2)

    @Test("a peer that owes an answer is asked at its silence's bound, one that owes none later")
    func silence() {
        var keepalive = Keepalive(Self.limits, now: 100)
        #expect(keepalive.check(now: 109, owedSince: 0) == .wait(until: 110))
        #expect(keepalive.check(now: 110, owedSince: nil) == .wait(until: 400))
        #expect(keepalive.check(now: 110, owedSince: 0) == .ping(until: 112))
        var idle = Keepalive(Self.limits, now: 100)
        #expect(idle.check(now: 399, owedSince: nil) == .wait(until: 400))
        #expect(idle.check(now: 400, owedSince: nil) == .ping(until: 402))
    }

    @Test("silence before anything was owed does not count")
    func owedLately() {
        var keepalive = Keepalive(Self.limits, now: 0)
        #expect(keepalive.check(now: 100, owedSince: 95) == .wait(until: 105))
        #expect(keepalive.check(now: 105, owedSince: 95) == .ping(until: 107))
    }

    @Test("a peer that does not answer in time is given up, at the bound and not before")
    func timeout() {
        var keepalive = Keepalive(Self.limits, now: 0)
        #expect(keepalive.check(now: 10, owedSince: 0) == .ping(until: 12))
        #expect(keepalive.check(now: 11, owedSince: 0) == .wait(until: 12))
        #expect(keepalive.check(now: 12, owedSince: 0) == .close)
    }

    @Test("any byte is an answer")
    func heard() {
        var keepalive = Keepalive(Self.limits, now: 0)
        #expect(keepalive.check(now: 10, owedSince: 0) == .ping(until: 12))
        keepalive.heard(now: 11)
        #expect(keepalive.check(now: 12, owedSince: 0) == .wait(until: 21))
    }

    @Test("an endpoint is sent no third PING until a message has passed")
    func pingsAreFew() {
        var keepalive = Keepalive(Self.limits, now: 0)
        for now: Int64 in [10, 20] {
            #expect(keepalive.check(now: now, owedSince: 0) == .ping(until: now + 2))
            keepalive.heard(now: now)
        }
        #expect(keepalive.check(now: 30, owedSince: 0) == .wait(until: 40))
        #expect(keepalive.check(now: 500, owedSince: nil) == .wait(until: 510))
        keepalive.messageCame()
        #expect(keepalive.check(now: 510, owedSince: nil) == .ping(until: 512))
    }

    @Test("a PING long after the last one is always allowed, a moment earlier it is not")
    func pingsThatAreFarApart() {
        var keepalive = Keepalive(
            Keepalive.Limits(active: 10, idle: 100, timeout: 2, mostPings: 2, spacing: 300), now: 0)
        for now: Int64 in [100, 200] {
            #expect(keepalive.check(now: now, owedSince: nil) == .ping(until: now + 2))
            keepalive.heard(now: now)
        }
        #expect(keepalive.check(now: 300, owedSince: nil) == .wait(until: 310))
        #expect(keepalive.check(now: 499, owedSince: nil) == .wait(until: 509))
        #expect(keepalive.check(now: 500, owedSince: nil) == .ping(until: 502))
        #expect(keepalive.check(now: 502, owedSince: nil) == .close)
    }

    @Test("a peer that is doubted is asked at once, and once")
    func doubt() {
        var keepalive = Keepalive(Self.limits, now: 0)
        keepalive.doubt()
        #expect(keepalive.check(now: 1, owedSince: nil) == .ping(until: 3))
        keepalive.doubt()
        #expect(keepalive.check(now: 2, owedSince: nil) == .wait(until: 3))
        keepalive.heard(now: 2)
        #expect(keepalive.check(now: 3, owedSince: nil) == .wait(until: 302))
    }
}

@Suite struct DialStateTests {
    /// The delay less its spread of a fifth either way, in milliseconds.
    private static let delays: [Double] = [0, 50, 80, 128, 204.8, 327.68, 524.288, 838.8608, 1342.17728, 2000, 2000]

    @Test("the first retry is immediate, then the delays grow by 1.6 to 2 s, a fifth less or more", arguments: 1...50)
    func delaysGrow(_ seed: UInt64) {
        var dialing = DialState(seed: seed)
        for expected in Self.delays {
            dialing.failed()
            let delay = Double(dialing.nextDelay()) / 1_000_000
            #expect(delay >= expected * 0.79 && delay <= expected * 1.21)
        }
        dialing.succeeded()
        #expect(dialing.nextDelay() == 0)
    }

    @Test("two gates do not retry in step")
    func delaysSpread() {
        let delays = Set(
            (1...20).map { (seed: UInt64) in
                var dialing = DialState(seed: seed * 7919)
                for _ in 0..<6 { dialing.failed() }
                return dialing.nextDelay()
            })
        #expect(delays.count > 10)
    }

    @Test("an endpoint that drops its connections unused is not dialled without end")
    func shortLives() {
        var dialing = DialState(seed: 1)
        dialing.lost(unused: true, age: 1000)
        #expect(dialing.isShortLived)
        #expect(dialing.nextDelay() == 0)
        dialing.lost(unused: true, age: 999_999_999)
        #expect(dialing.nextDelay() > 0)
        dialing.lost(unused: true, age: 1_000_000_000)
        #expect(!dialing.isShortLived)
        dialing.lost(unused: false, age: 0)
        #expect(!dialing.isShortLived)
    }
}
