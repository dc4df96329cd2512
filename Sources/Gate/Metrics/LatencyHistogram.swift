/// Upper bounds of histogram buckets in nanoseconds, each at least twice the one before.
package enum HistogramBounds {
    /// For what happens inside Gate and at the endpoint: 0.25 us to 500 ms.
    package static let latency: [Int64] = [
        250, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
        1_000_000, 2_000_000, 5_000_000, 10_000_000, 50_000_000, 100_000_000, 500_000_000,
    ]
    /// For the age of what decisions were taken on: 1 ms to 60 s.
    package static let age: [Int64] = [
        1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 50_000_000, 100_000_000, 200_000_000, 500_000_000,
        1_000_000_000, 2_000_000_000, 5_000_000_000, 10_000_000_000, 30_000_000_000, 60_000_000_000,
    ]
}

/// Durations counted in fixed buckets. One thread records; any thread may read.
///
/// As each bound is at least twice the one before, at most one bound lies among the durations of one bit length: the
/// bit length picks a candidate bucket from a table, and one comparison decides between it and the next.
package final class LatencyHistogram: ExposedMetric {
    private let declaration: MetricDeclaration
    /// A count per bucket, the one above the last bound behind them, then the sum in nanoseconds.
    private let cells: MetricCells
    private let bounds: [Int64]
    // The memory behind both pointers never changes after `init` and is freed in `deinit`.
    /// The bounds, then `Int64.max`.
    private nonisolated(unsafe) let limits: UnsafeMutablePointer<Int64>
    /// For each bit length of a duration (0 to 63), the first bucket whose bound has that length or a greater one.
    private nonisolated(unsafe) let candidates: UnsafeMutablePointer<UInt8>

    /// `bounds`: see `HistogramBounds`.
    package init(_ name: String, help: String, labels: [MetricLabel] = [], bounds: [Int64]) {
        precondition(bounds.count < 255 && bounds.first.map { $0 > 0 } ?? false, "bounds above zero, at most 254")
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $1 / 2 >= $0 }, "each bound twice the one before")
        self.declaration = MetricDeclaration(name, help: help, type: .histogram, labels: labels)
        self.bounds = bounds
        self.cells = MetricCells(count: bounds.count + 2)
        self.limits = .allocate(capacity: bounds.count + 1)
        self.candidates = .allocate(capacity: 64)
        for (index, bound) in (bounds + [Int64.max]).enumerated() { (limits + index).initialize(to: bound) }
        for length in 0..<64 {
            let smallest = length == 0 ? 0 : Int64(1) << (length - 1)
            let bucket = bounds.firstIndex { $0 >= smallest } ?? bounds.count
            (candidates + length).initialize(to: UInt8(bucket))
        }
    }

    deinit {
        limits.deallocate()
        candidates.deallocate()
    }

    /// Counts one duration; one below zero counts as zero. Only the metric's own thread may call it.
    package func record(_ nanoseconds: Int64) {
        let duration = max(nanoseconds, 0)
        let candidate = Int(candidates[Int64.bitWidth &- duration.leadingZeroBitCount])
        let bucket = duration > limits[candidate] ? candidate &+ 1 : candidate
        cells.add(1, at: bucket)
        cells.add(UInt64(bitPattern: duration), at: bounds.count &+ 1)
    }

    /// Counts by bucket (not cumulated, the one above the last bound at the end) and the sum in nanoseconds.
    package var contents: (counts: [UInt64], sum: UInt64) {
        ((0...bounds.count).map { cells.value(at: $0) }, cells.value(at: bounds.count + 1))
    }

    package func write(into text: inout PrometheusText) {
        let (counts, sum) = contents
        text.open(declaration)
        var total: UInt64 = 0
        for (bound, count) in zip(bounds, counts) {
            total &+= count
            let limit = MetricLabel("le", PrometheusText.seconds(UInt64(bound)))
            text.sample(suffix: "_bucket", labels: declaration.labels + [limit], value: total)
        }
        total &+= counts[bounds.count]
        text.sample(suffix: "_bucket", labels: declaration.labels + [MetricLabel("le", "+Inf")], value: total)
        text.sample(suffix: "_sum", labels: declaration.labels, text: PrometheusText.seconds(sum))
        text.sample(suffix: "_count", labels: declaration.labels, value: total)
    }
}
