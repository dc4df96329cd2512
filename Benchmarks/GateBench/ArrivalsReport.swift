/// What one run of the schedule measured; times in nanoseconds, counted from when a call was due.
struct ArrivalsReport: Encodable {
    struct Step: Encodable {
        let rate: Double
        let seconds: Double
        /// By what became of them.
        let orders: [String: Times]
        let cancels: [String: Times]
        /// How late the generator itself was: 99 % of the orders were handed over no later than this.
        let sentLate: Int64
    }

    struct Times: Encodable {
        let count: Int
        let p50, p99, p999, max: Int64

        init(_ latencies: [Int64]) {
            let sorted = Latencies(capacity: latencies.count)
            for latency in latencies { sorted.record(latency) }
            sorted.sort()
            count = sorted.count
            p50 = sorted.percentile(0.5)
            p99 = sorted.percentile(0.99)
            p999 = sorted.percentile(0.999)
            max = sorted.percentile(1)
        }
    }

    /// The orders that were due in one span of time; `p50` and `p99` are of the accepted ones, nil without one.
    struct Window: Encodable {
        let accepted, refused: Int
        let p50, p99: Int64?
    }

    /// When the schedule began, nanoseconds since 1970.
    let startedAt: Int64
    let steps: [Step]
    /// Nanoseconds of each of `windows`, which follow one another from the start.
    let window: Int64
    let windows: [Window]

    init(
        startedAt: Int64, steps: [ArrivalStep], window: Int64, orders: Schedule, cancels: Schedule, reasons: [String]
    ) {
        self.startedAt = startedAt
        self.window = window
        var begin: Int64 = 0
        self.steps = steps.map { step in
            let span = begin..<(begin + Int64(step.seconds * 1e9))
            begin = span.upperBound
            return Step(
                rate: step.rate, seconds: step.seconds, orders: orders.times(in: span, reasons),
                cancels: cancels.times(in: span, reasons),
                sentLate: Times(orders.within(span).map(\.sentLate)).p99)
        }
        windows = stride(from: 0, to: begin, by: Int64.Stride(window)).map { from in
            let arrivals = orders.within(from..<(from + window))
            let accepted = arrivals.filter { $0.reason == Reasons.accepted }.map(\.latency)
            let times = Times(accepted)
            return Window(
                accepted: accepted.count, refused: arrivals.count - accepted.count,
                p50: accepted.isEmpty ? nil : times.p50, p99: accepted.isEmpty ? nil : times.p99)
        }
    }
}

extension Schedule {
    /// The arrivals that were due in `span`; they are in order of time.
    fileprivate func within(_ span: Range<Int64>) -> Slice<UnsafeMutableBufferPointer<Arrival>> {
        let first = firstIndex(notBefore: span.lowerBound)
        return arrivals[first..<firstIndex(notBefore: span.upperBound)]
    }

    fileprivate func times(in span: Range<Int64>, _ reasons: [String]) -> [String: ArrivalsReport.Times] {
        let byReason = Dictionary(grouping: within(span), by: \.reason)
        return Dictionary(
            uniqueKeysWithValues: byReason.map { reason, arrivals in
                (reasons[Int(reason)], ArrivalsReport.Times(arrivals.map(\.latency)))
            })
    }

    private func firstIndex(notBefore time: Int64) -> Int {
        var (low, high) = (0, arrivals.count)
        while low < high {
            let middle = (low + high) / 2
            if arrivals[middle].due < time { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
