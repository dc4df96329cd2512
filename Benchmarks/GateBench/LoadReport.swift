import FoundationEssentials

/// What one run of the load measured; latencies in nanoseconds.
struct LoadReport: Encodable {
    let p50, p90, p99, p999, max: Int64
    /// Orders per second over the measured time.
    let throughput: Double
    /// Measured orders.
    let measured: Int
    /// All orders, the warm-up's too: what the proxy's CPU time is divided by.
    let orders: Int
    /// Of all orders: answered with grpc-status 0 and a message.
    let ok: Int
    /// Of all orders: answered otherwise.
    let failed: Int
    /// What the first of these said.
    let firstFailure: String?
    let distribution: Distribution
}

/// The latencies, in nanoseconds, that these shares of all orders did not exceed.
struct Distribution: Encodable {
    let shares: [Double]
    let latencies: [Int64]

    init(_ sorted: Latencies) {
        let body = stride(from: 5, through: 95, by: 5).map { Double($0) / 100 }
        shares = [0.001, 0.01] + body + [0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999, 1]
        latencies = shares.map(sorted.percentile)
    }
}

extension Encodable {
    /// One line of JSON on standard output.
    func print() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        Swift.print(String(decoding: try encoder.encode(self), as: UTF8.self))
    }
}

/// Latencies as they were measured, every one of them: percentiles are read from the sorted list, not estimated.
final class Latencies {
    private let values: UnsafeMutableBufferPointer<Int64>
    private(set) var count = 0

    /// The room is touched beforehand, so that the measurement meets no page fault.
    init(capacity: Int) {
        values = .allocate(capacity: capacity)
        values.initialize(repeating: 0)
    }

    deinit { values.deallocate() }

    /// Past the capacity nothing more is kept; the run ends then.
    var isFull: Bool { count == values.count }

    func record(_ nanoseconds: Int64) {
        guard count < values.count else { return }
        values[count] = nanoseconds
        count += 1
    }

    /// After `sort`: the smallest value that `share` of all values do not exceed (nearest rank); 0 without values.
    func percentile(_ share: Double) -> Int64 {
        guard count > 0 else { return 0 }
        let rank = Int((share * Double(count)).rounded(.up))
        return values[min(max(rank, 1), count) - 1]
    }

    func sort() {
        var recorded = UnsafeMutableBufferPointer(rebasing: values[..<count])
        recorded.sort()
    }
}
