import ArgumentParser
import CLinux
import CNghttp2

/// A closed loop: each connection keeps its number of orders in flight, and the answer to one is the sending of the next.
final class Load {
    private let plan: LoadCommand
    private let poller: Poller
    private let callbacks: OpaquePointer
    private var connections: [LoadConnection] = []

    private let latencies: Latencies
    private var measureFrom: Int64 = 0
    private var stopAt = Int64.max
    private var lastAnswer: Int64 = 0
    private var submitted: UInt64 = 0
    private var measuredSubmitted = 0
    private var inFlight = 0
    private var ok = 0
    private var failed = 0
    private var firstFailure: String?

    /// What a duration may bring: 32 MiB of latencies.
    private static let mostOrders = 1 << 22
    /// A run that sees no answer for this long is over.
    private static let patience: Int64 = 5_000_000_000

    init(plan: LoadCommand) throws {
        self.plan = plan
        latencies = Latencies(capacity: plan.count ?? Load.mostOrders)
        poller = try Poller()
        callbacks = try LoadConnection.makeCallbacks()
    }

    func run() throws -> LoadReport {
        let message = Message.order(plan.orders)
        for _ in 0..<plan.orders.connections {
            connections.append(
                try LoadConnection(
                    target: plan.orders.target, poller: poller, callbacks: callbacks, load: self, message: message,
                    streams: plan.streams))
        }
        let start = gate_monotonic_ns()
        measureFrom = start + Int64(plan.warmup * 1e9)
        if let duration = plan.duration { stopAt = measureFrom + Int64(duration * 1e9) }
        lastAnswer = start
        for connection in connections {
            guard try connection.start() else { throw LoadError.closed }
        }
        try loop()
        return report()
    }

    private func loop() throws {
        while inFlight > 0 {
            let ready = try poller.wait(milliseconds: 1000) { token in
                guard let address = UnsafeMutableRawPointer(bitPattern: UInt(token)) else { return }
                let alive = try Unmanaged<LoadConnection>.fromOpaque(address)._withUnsafeGuaranteedRef {
                    try $0.turn()
                }
                if !alive && inFlight > 0 { throw LoadError.closed }
            }
            if ready == 0 && gate_monotonic_ns() - lastAnswer > Load.patience { throw LoadError.silent(inFlight) }
        }
    }

    private func report() -> LoadReport {
        latencies.sort()
        let seconds = Double(max(1, lastAnswer - measureFrom)) / 1e9
        return LoadReport(
            p50: latencies.percentile(0.5), p90: latencies.percentile(0.9), p99: latencies.percentile(0.99),
            p999: latencies.percentile(0.999), max: latencies.percentile(1),
            throughput: Double(latencies.count) / seconds, measured: latencies.count, orders: Int(submitted), ok: ok,
            failed: failed, firstFailure: firstFailure, distribution: Distribution(latencies))
    }

    /// The number of the next order to send at `now`, nil when the run is over.
    func nextOrder(now: Int64) -> UInt64? {
        if now >= stopAt || latencies.isFull { return nil }
        if now >= measureFrom {
            if let count = plan.count, measuredSubmitted == count { return nil }
            measuredSubmitted += 1
        }
        submitted += 1
        inFlight += 1
        return submitted
    }

    /// An order of `submittedAt` has its answer. `failure` is what was wrong with it.
    func answered(submittedAt: Int64, now: Int64, failure: String?) {
        inFlight -= 1
        lastAnswer = now
        if submittedAt >= measureFrom { latencies.record(now - submittedAt) }
        if let failure {
            failed += 1
            if firstFailure == nil { firstFailure = failure }
        } else {
            ok += 1
        }
    }
}

/// A run that cannot be finished.
enum LoadError: Error, CustomStringConvertible {
    case closed
    case silent(Int)

    var description: String {
        switch self {
        case .closed: "the target closed a connection that had orders in flight"
        case .silent(let inFlight): "no answer for five seconds, with \(inFlight) orders in flight"
        }
    }
}
