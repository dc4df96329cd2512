/// The latest returns of one account, as they came and in order of size: a quantile is read off, a tail is summed, and a
/// return that comes or goes moves what lies between its place and the one it takes.
package final class ReturnSeries {
    /// Returns kept.
    package static let capacity = 1000
    /// With fewer nothing is said of them.
    package static let fewest = 30
    /// With more new returns than this at once, all are sorted anew.
    private static let fewNewReturns = 64
    /// How many returns are compared to find which of the former ones still stand, as a multiple of them.
    private static let comparisons = 8
    /// Beyond this magnitude a number is no return.
    private static let largest = 1e18

    private let arrivals: UnsafeMutablePointer<Double>
    private let sorted: UnsafeMutablePointer<Double>
    private var head = 0
    package private(set) var count = 0
    private var moments = Moments()

    package init() {
        arrivals = .allocate(capacity: Self.capacity)
        sorted = .allocate(capacity: Self.capacity)
    }

    deinit {
        arrivals.deallocate()
        sorted.deallocate()
    }

    private var isEnough: Bool { count >= Self.fewest }

    package func removeAll() {
        head = 0
        count = 0
        moments = Moments()
    }

    /// Takes over the latest of these returns, oldest first. Where they go on from those in hand, only what came and what
    /// went is changed. Where one of them is no number that a return can be, there are none.
    package func update(_ returns: [Double]) {
        returns.withUnsafeBufferPointer { all in
            let latest = UnsafeBufferPointer(rebasing: all.suffix(Self.capacity))
            guard latest.allSatisfy({ $0.magnitude <= Self.largest }) else { return removeAll() }
            guard let gone = overlap(latest), latest.count - (count - gone) <= Self.fewNewReturns else {
                return rebuild(latest)
            }
            let kept = count - gone
            var dropped = 0
            for value in latest[kept...] {
                if dropped < gone {
                    replaceOldest(value)
                    dropped += 1
                } else {
                    append(value)
                }
            }
            while dropped < gone {
                removeOldest()
                dropped += 1
            }
        }
    }

    /// Adds a return; the oldest leaves where there is no more room.
    package func add(_ value: Double) {
        if count == Self.capacity { replaceOldest(value) } else { append(value) }
    }

    /// What a share of the returns loses more than, as a fraction of equity and not below zero; nil where there are too few.
    package func valueAtRisk(_ distribution: Distribution) -> Double? {
        guard isEnough else { return nil }
        return switch distribution.method {
        case .historical: Swift.max(0, -quantile(distribution.tail))
        case .parametric: Swift.max(0, -(moments.mean + distribution.quantile * moments.standardDeviation))
        }
    }

    /// What that share loses on average, as a fraction of equity and not below zero; nil where there are too few returns.
    package func expectedShortfall(_ distribution: Distribution) -> Double? {
        guard isEnough else { return nil }
        return switch distribution.method {
        case .historical: Swift.max(0, -tailMean(distribution.tail))
        case .parametric: Swift.max(0, distribution.shortfall * moments.standardDeviation - moments.mean)
        }
    }

    /// The share-quantile by linear interpolation between closest ranks (type 7 of Hyndman and Fan 1996). There is at least
    /// one return.
    /// - Parameter share: in units of 10^-10, so that ranks are exact.
    private func quantile(_ share: Int64) -> Double {
        let (lower, fraction) = rank(share)
        guard fraction > 0 else { return sorted[lower] }
        return sorted[lower] + (sorted[lower + 1] - sorted[lower]) * fraction
    }

    /// The mean of the returns at or below the share-quantile.
    private func tailMean(_ share: Int64) -> Double {
        let lower = rank(share).lower
        // Of those above the lower rank only its equals can be at or below the quantile, or the next where both are equal.
        let bound = quantile(share)
        var end = lower + 1
        if end < count, sorted[end] <= bound { end = upperBound(bound) }
        return sum(end) / Double(end)
    }

    private func rank(_ share: Int64) -> (lower: Int, fraction: Double) {
        let scale = Int64(FixedPoint.scale)
        let (lower, rest) = (Int64(count - 1) * share).quotientAndRemainder(dividingBy: scale)
        return (Int(lower), Double(rest) / Double(scale))
    }

    /// The sum of so many of the smallest, eight side by side.
    private func sum(_ end: Int) -> Double {
        let lanes = UnsafeRawPointer(sorted)
        var sums = SIMD8<Double>.zero
        var place = 0
        while place &+ 8 <= end {
            sums += lanes.loadUnaligned(fromByteOffset: place &* 8, as: SIMD8<Double>.self)
            place &+= 8
        }
        var sum = sums.sum()
        while place < end {
            sum += sorted[place]
            place &+= 1
        }
        return sum
    }

    /// How many of the oldest returns are gone in these, which begin with the others; nil where that is not found soon.
    private func overlap(_ latest: UnsafeBufferPointer<Double>) -> Int? {
        var left = Self.comparisons * Self.capacity
        for gone in 0...count where count - gone <= latest.count {
            var place = 0
            while place < count - gone, arrivals[slot(gone + place)] == latest[place] { place += 1 }
            if place == count - gone { return gone }
            left -= place + 1
            if left < 0 { return nil }
        }
        return nil
    }

    private func rebuild(_ latest: UnsafeBufferPointer<Double>) {
        removeAll()
        count = latest.count
        for (place, value) in latest.enumerated() {
            (arrivals + place).initialize(to: value)
            (sorted + place).initialize(to: value)
            moments.add(value)
        }
        var buffer = UnsafeMutableBufferPointer(start: sorted, count: count)
        buffer.sort()
    }

    private func append(_ value: Double) {
        let place = lowerBound(value)
        (sorted + place + 1).update(from: sorted + place, count: count - place)
        sorted[place] = value
        arrivals[slot(count)] = value
        count += 1
        moments.add(value)
    }

    private func removeOldest() {
        let value = arrivals[head]
        let place = lowerBound(value)
        count -= 1
        (sorted + place).update(from: sorted + place + 1, count: count - place)
        head = slot(1)
        moments.remove(value)
    }

    /// One move instead of two: what lies between the places of the old return and the new one.
    private func replaceOldest(_ value: Double) {
        let old = arrivals[head]
        let from = lowerBound(old)
        let to = lowerBound(value)
        if to > from {
            (sorted + from).update(from: sorted + from + 1, count: to - from - 1)
            sorted[to - 1] = value
        } else {
            (sorted + to + 1).update(from: sorted + to, count: from - to)
            sorted[to] = value
        }
        arrivals[slot(count)] = value
        head = slot(1)
        moments.remove(old)
        moments.add(value)
    }

    private func slot(_ offset: Int) -> Int {
        let sum = head + offset
        return sum >= Self.capacity ? sum - Self.capacity : sum
    }

    private func lowerBound(_ value: Double) -> Int {
        var low = 0
        var size = count
        while size > 0 {
            let half = size / 2
            if sorted[low + half] < value {
                low += half + 1
                size -= half + 1
            } else {
                size = half
            }
        }
        return low
    }

    private func upperBound(_ value: Double) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] <= value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
