import Gate
import Testing

struct LatencyHistogramTests {
    private func bucket(of nanoseconds: Int64, bounds: [Int64]) -> Int? {
        let histogram = LatencyHistogram("h", help: "", bounds: bounds)
        histogram.record(nanoseconds)
        return histogram.contents.counts.firstIndex(of: 1)
    }

    @Test(arguments: [HistogramBounds.latency, HistogramBounds.age])
    func `a duration equal to a bound is in its bucket, one above is in the next`(bounds: [Int64]) {
        for (index, bound) in bounds.enumerated() {
            #expect(bucket(of: bound - 1, bounds: bounds) == index)
            #expect(bucket(of: bound, bounds: bounds) == index)
            #expect(bucket(of: bound + 1, bounds: bounds) == index + 1)
        }
    }

    @Test(arguments: [HistogramBounds.latency, HistogramBounds.age, [1], [1, 2, 4, 8]])
    func `the bucket is the one a search from the start finds, at every power of two`(bounds: [Int64]) {
        for shift in 0..<63 {
            for duration in [(Int64(1) << shift) - 1, Int64(1) << shift, (Int64(1) << shift) + 1] {
                let found = bounds.firstIndex { duration <= $0 } ?? bounds.count
                #expect(bucket(of: duration, bounds: bounds) == found, "\(duration)")
            }
        }
        #expect(bucket(of: .max, bounds: bounds) == bounds.count)
    }

    @Test func `a duration below zero counts as zero`() {
        let histogram = LatencyHistogram("h", help: "", bounds: [250, 500])
        histogram.record(-1)
        histogram.record(.min)
        #expect(histogram.contents.counts == [2, 0, 0])
        #expect(histogram.contents.sum == 0)
    }

    @Test func `the sum is that of what was recorded`() {
        let histogram = LatencyHistogram("h", help: "", bounds: [250, 500])
        for duration: Int64 in [1, 250, 251, 1_000_000_000] { histogram.record(duration) }
        #expect(histogram.contents.counts == [2, 1, 1])
        #expect(histogram.contents.sum == 1_000_000_502)
    }
}
