import Foundation
import Gate
import Glibc
import Synchronization
import Testing

@Suite struct EventLoopTests {
    /// Notes what the loop tells it.
    final class Recorder: EventTarget {
        var fired: [UInt64] = []
        var readies = 0
        var onReady: (() -> Void)?
        override func fired(_ context: UInt64) { fired.append(context) }
        override func ready(_ events: UInt32) {
            readies += 1
            onReady?()
        }
    }

    /// Turns the loop until `condition` holds, at most twenty seconds, which a busy machine may need.
    static func turn(_ loop: EventLoop, until condition: () -> Bool) -> Bool {
        let deadline = loop.readClock() + 20_000_000_000
        // A wake-up that is lost must fail the test, not hold it for ever.
        let alarm = Recorder()
        let timer = loop.schedule(at: deadline, target: alarm, context: 0)
        defer { loop.cancel(timer) }
        while !condition() {
            guard loop.readClock() < deadline else { return false }
            loop.turn(wait: true)
        }
        return true
    }

    @Test func `a loop that spins fires timers, hears of wake-ups, and sleeps once its time is over`() throws {
        let loop = try EventLoop(spin: 30_000_000)
        let recorder = Recorder()
        // Two events by which it becomes awake, and one that comes while it sleeps.
        for context in UInt64(1)...2 {
            loop.waker.wake()
            loop.turn(wait: true)
            let deadline = loop.readClock() + 3_000_000
            _ = loop.schedule(at: deadline, target: recorder, context: context)
            #expect(Self.turn(loop) { recorder.fired.last == context })
            #expect(loop.now >= deadline)
        }
        let began = (wall: loop.readClock(), cpu: try Self.threadTime())
        _ = loop.schedule(at: began.wall + 400_000_000, target: recorder, context: 3)
        #expect(Self.turn(loop) { recorder.fired.last == 3 })
        #expect(try Self.threadTime() - began.cpu < 200_000_000)
        #expect(loop.now >= began.wall + 400_000_000)
    }

    /// Nanoseconds for which this thread has run.
    private static func threadTime() throws -> Int64 {
        let account = try String(contentsOfFile: "/proc/thread-self/schedstat", encoding: .utf8)
        return try #require(account.split(separator: " ").first.flatMap { Int64($0) })
    }

    @Test func `a timer fires once, in order of deadlines, never early`() throws {
        let loop = try EventLoop()
        let recorder = Recorder()
        let start = loop.readClock()
        _ = loop.schedule(at: start + 30_000_000, target: recorder, context: 3)
        _ = loop.schedule(at: start + 10_000_000, target: recorder, context: 1)
        _ = loop.schedule(at: start + 20_000_000, target: recorder, context: 2)
        // A slow turn may fire more than one.
        #expect(Self.turn(loop) { !recorder.fired.isEmpty })
        #expect(loop.readClock() >= start + 10_000_000)
        #expect(Self.turn(loop) { recorder.fired.count == 3 })
        #expect(loop.readClock() >= start + 30_000_000)
        #expect(recorder.fired == [1, 2, 3])
    }

    @Test func `a cancelled timer does not fire and its stale id cancels nobody else`() throws {
        let loop = try EventLoop()
        let recorder = Recorder()
        let start = loop.readClock()
        let first = loop.schedule(at: start + 5_000_000, target: recorder, context: 1)
        loop.cancel(first)
        _ = loop.schedule(at: start + 5_000_000, target: recorder, context: 2)
        loop.cancel(first)
        #expect(Self.turn(loop) { !recorder.fired.isEmpty })
        #expect(recorder.fired == [2])
    }

    @Test func `a timer beyond one round of the wheel waits for its own round`() {
        let wheel = TimerWheel(now: 0)
        let recorder = Recorder()
        _ = wheel.schedule(at: 5000 * 1_000_000, target: recorder, context: 1)
        wheel.fire(now: 904 * 1_000_000)
        wheel.fire(now: 4999 * 1_000_000)
        #expect(recorder.fired.isEmpty)
        wheel.fire(now: 5000 * 1_000_000)
        #expect(recorder.fired == [1])
        #expect(wheel.millisecondsToNext(now: 5000 * 1_000_000) == -1)
    }

    @Test func `a thousand random timers fire when a sorted list says so`() {
        var random = SplitMix(seed: 7)
        let wheel = TimerWheel(now: 0)
        let recorder = Recorder()
        var expected: [(tick: Int64, context: UInt64)] = []
        for context in 0..<1000 as Range<UInt64> {
            let deadline = Int64(random.next() % 20_000) * 1_000_000 + 1
            let id = wheel.schedule(at: deadline, target: recorder, context: context)
            if random.next() % 4 == 0 {
                wheel.cancel(id)
            } else {
                expected.append(((deadline + 999_999) / 1_000_000, context))
            }
        }
        var now: Int64 = 0
        while now < 20_002 {
            let step = Int64(random.next() % 700) + 1
            now += step
            let before = Set(recorder.fired)
            wheel.fire(now: now * 1_000_000)
            let due = Set(expected.filter { $0.tick <= now }.map(\.context))
            #expect(Set(recorder.fired) == due)
            #expect(before.isSubset(of: due))
        }
        #expect(recorder.fired.count == expected.count)
    }

    @Test func `an event of a closed descriptor does not reach the one that took its place`() throws {
        let loop = try EventLoop()
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let first = Recorder()
        let second = Recorder()
        let registration = try loop.register(ends[0], events: 1, target: first)
        loop.deregister(registration)
        let other = try loop.register(ends[0], events: 1, target: second)
        loop.modify(registration, events: 0)
        loop.deregister(registration)
        #expect(write(ends[1], "x", 1) == 1)
        #expect(Self.turn(loop) { second.readies > 0 })
        #expect(first.readies == 0)
        loop.deregister(other)
        close(ends[0])
        close(ends[1])
    }

    @Test func `what other threads hand over runs in order, each piece once`() throws {
        final class Owner { var seen: [Int] = [] }
        let loop = try EventLoop()
        let owner = Owner()
        let handle = LoopHandle<Owner>(waker: loop.waker)
        let thread = try LoopThread(name: "test") {
            for number in 0..<10_000 { handle.execute { $0.seen.append(number) } }
        }
        #expect(
            Self.turn(loop) {
                handle.drain(owner)
                return owner.seen.count == 10_000
            })
        thread.join()
        #expect(owner.seen == Array(0..<10_000))
    }

    @Test func `a mailbox gives all elements in order and refuses when it is full`() throws {
        let loop = try EventLoop()
        let mailbox = Mailbox<UInt64>(capacity: 64, waker: loop.waker)
        for number in 0..<64 as Range<UInt64> { #expect(mailbox.push(number)) }
        #expect(!mailbox.push(64))
        #expect(mailbox.take() == 0)
        #expect(mailbox.push(64))
        for number in 1...64 as ClosedRange<UInt64> { #expect(mailbox.take() == number) }
        #expect(mailbox.take() == nil)
        let total: UInt64 = 200_000
        let thread = try LoopThread(name: "test") {
            var number: UInt64 = 0
            while number < total { if mailbox.push(number) { number += 1 } else { sched_yield() } }
        }
        var next: UInt64 = 0
        #expect(
            Self.turn(loop) {
                while let element = mailbox.take() {
                    if element != next { return true }
                    next += 1
                }
                return next == total
            })
        thread.join()
        #expect(next == total)
    }
}
