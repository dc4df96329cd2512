import CAllocations
import CLinux
// For its `round`, which a release build calls.
import Glibc

/// What one call of something costs.
struct Timing {
    /// Nanoseconds per call: the median and the 99th percentile over batches, so that reading the clock does not count.
    var median: Double
    var high: Double
    /// The 99th percentile over single calls, less what reading the clock takes.
    var single: Double
    /// Blocks taken from the allocator per call.
    var allocations: Double

    /// - Parameters:
    ///   - batches: how many are timed, of `size` calls each, after a tenth as many that warm up.
    ///   - body: one call; takes the number of the call.
    init(batches: Int = 2000, of size: Int = 50, _ body: (Int) -> Void) {
        var call = 0
        for _ in 0..<batches / 10 * size {
            body(call)
            call += 1
        }
        var times = [Double](repeating: 0, count: batches)
        var singles = [Double](repeating: 0, count: batches * 10)
        let allocationsBefore = gate_allocations()
        for batch in times.indices {
            let start = gate_monotonic_ns()
            for _ in 0..<size {
                body(call)
                call += 1
            }
            times[batch] = Double(gate_monotonic_ns() - start) / Double(size)
        }
        let taken = gate_allocations() - allocationsBefore
        for index in singles.indices {
            let start = gate_monotonic_ns()
            body(call)
            call += 1
            singles[index] = Double(gate_monotonic_ns() - start)
        }
        median = Self.percentile(0.5, times)
        high = Self.percentile(0.99, times)
        single = Self.percentile(0.99, singles) - Self.clock
        allocations = Double(taken) / Double(batches * size)
    }

    /// What reading the clock twice takes, in nanoseconds: the median.
    private static let clock: Double = percentile(
        0.5,
        (0..<10_000).map { _ in
            let start = gate_monotonic_ns()
            return Double(gate_monotonic_ns() - start)
        })

    private static func percentile(_ share: Double, _ values: [Double]) -> Double {
        values.sorted()[Int(Double(values.count - 1) * share)]
    }

    /// One line of the report.
    func report(_ what: String) {
        let name = what + String(repeating: " ", count: max(0, 52 - what.count))
        print(
            "\(name) p50 \(Self.text(median)) ns, p99 \(Self.text(high)) ns, "
                + "p99 of single calls \(Self.text(single)) ns, allocations \(Self.text(allocations))")
    }

    /// Two decimals below 10, one below 100, none above.
    static func text(_ value: Double) -> String {
        let scale: Double = value.magnitude < 10 ? 100 : value.magnitude < 100 ? 10 : 1
        let rounded = (value * scale).rounded() / scale
        return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
    }
}
