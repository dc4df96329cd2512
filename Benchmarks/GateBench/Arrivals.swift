import CLinux

/// An open loop: calls are handed over when the schedule has them arrive, whether or not earlier ones are answered.
final class Arrivals {
    private let plan: ArrivalsCommand
    private let poller: Poller
    private let reasons: Reasons
    private let orders: Schedule
    private let cancels: Schedule
    private var orderConnections: [ArrivalConnection] = []
    private var cancelConnections: [ArrivalConnection] = []
    private var start: Int64 = 0

    /// Calls handed over before answers are looked at again.
    private static let burst = 64
    /// How long the last answers may take.
    private static let patience: Int64 = 5_000_000_000
    /// By when the other side has said how many streams it takes.
    private static let settling: Int64 = 50_000_000

    init(plan: ArrivalsCommand) throws {
        self.plan = plan
        poller = try Poller()
        reasons = Reasons(header: plan.reasonHeader)
        orders = .poisson(plan.steps, seed: plan.seed)
        let seconds = plan.steps.reduce(0) { $0 + $1.seconds }
        cancels = .even(rate: plan.cancels, seconds: seconds)
        let callbacks = try OrderConnection.makeCallbacks()
        let order = Message.order(plan.orders)
        for _ in 0..<plan.orders.connections {
            orderConnections.append(try connect(Message.orderPath, order, orders, callbacks))
        }
        if !cancels.arrivals.isEmpty {
            cancelConnections.append(
                try connect(Message.cancelPath, Message.cancel(plan.orders), cancels, callbacks))
        }
    }

    private func connect(
        _ path: String, _ message: Message, _ schedule: Schedule, _ callbacks: OpaquePointer
    ) throws -> ArrivalConnection {
        try ArrivalConnection(
            target: plan.orders.target, poller: poller, callbacks: callbacks, path: path, message: message,
            reasons: reasons, schedule: schedule)
    }

    func run() throws -> ArrivalsReport {
        for connection in orderConnections + cancelConnections {
            try connection.submitSettings()
            guard try connection.send() else { throw LoadError.closed }
        }
        let begin = gate_monotonic_ns() + Arrivals.settling
        while gate_monotonic_ns() < begin { try listen() }
        start = begin
        let startedAt = gate_realtime_ns()
        for connection in orderConnections + cancelConnections { connection.start = begin }
        while !orders.isFinished || !cancels.isFinished {
            let elapsed = gate_monotonic_ns() - start
            try send(orders, orderConnections, elapsed)
            try send(cancels, cancelConnections, elapsed)
            try listen()
            if elapsed > lastDue + Arrivals.patience { break }
        }
        return ArrivalsReport(
            startedAt: startedAt, steps: plan.steps, window: Int64(plan.window) * 1_000_000, orders: orders,
            cancels: cancels,
            reasons: reasons.names)
    }

    private var lastDue: Int64 { max(orders.arrivals.last?.due ?? 0, cancels.arrivals.last?.due ?? 0) }

    private func send(_ schedule: Schedule, _ connections: [ArrivalConnection], _ elapsed: Int64) throws {
        var taken = 0
        while taken < Arrivals.burst, let number = schedule.take(elapsed: elapsed) {
            connections[number % connections.count].submit(number)
            taken += 1
        }
        guard taken > 0 else { return }
        for connection in connections where connection.hasUnsent {
            guard try connection.sendSubmitted() else { throw LoadError.closed }
        }
    }

    private func listen() throws {
        _ = try poller.wait(milliseconds: 0) { token in
            guard let address = UnsafeMutableRawPointer(bitPattern: UInt(token)) else { return }
            let alive = try Unmanaged<ArrivalConnection>.fromOpaque(address)._withUnsafeGuaranteedRef { try $0.turn() }
            guard alive else { throw LoadError.closed }
        }
    }
}
