internal import Glibc

/// The 1-second log returns of one symbol's mark within one window, and their volatility. A second without a mark is a gap:
/// it ends one return and begins none.
struct VolatilitySeries: BitwiseCopyable {
    static let second: Int64 = 1_000_000_000
    /// The shortest window.
    static let shortest = 30 * second
    private struct Sample: BitwiseCopyable {
        var second: Int64
        var value: Double
    }

    let symbol: NameID
    /// Nanoseconds.
    let window: Int64
    /// The next series of the symbol; -1 for none.
    var next: Int32
    /// Whether the rule set in force asks for it.
    var isWanted = true
    private let base: UnsafeMutablePointer<Sample>
    private let capacity: Int
    private var head = 0
    private var moments = Moments()
    /// The mark of the second before; 0 where it had none.
    private var mark: Int128 = 0
    private var sampledIn = Int64.min
    private var volatility = 0.0

    /// - Parameter window: nanoseconds, at least `shortest`.
    init(symbol: NameID, window: Int64, next: Int32) {
        self.symbol = symbol
        self.window = window
        self.next = next
        capacity = Swift.min(Int(window / Self.second), ReturnSeries.capacity)
        base = .allocate(capacity: capacity)
    }

    func deallocate() { base.deallocate() }

    /// Takes the mark of a second, later than those before.
    /// - Parameter current: in units of 10^-10; 0 where none counts.
    mutating func sample(_ current: Int128, in second: Int64) {
        let oldest = second - window / Self.second
        while moments.count > 0, base[head].second <= oldest { removeOldest() }
        if mark > 0, current > 0, sampledIn == second - 1 {
            if moments.count == capacity { removeOldest() }
            let value = log1p(Self.double(current - mark) / Self.double(mark))
            let place = head + moments.count
            (base + (place >= capacity ? place - capacity : place)).initialize(to: Sample(second: second, value: value))
            moments.add(value)
        }
        mark = current
        sampledIn = second
        if moments.count >= ReturnSeries.fewest {
            volatility = moments.standardDeviation * (Double(window) / Double(Self.second)).squareRoot()
        }
    }

    /// Over the window that ends in a second; nil with too few returns, or where none of its seconds was sampled.
    func value(in second: Int64) -> Double? {
        guard moments.count >= ReturnSeries.fewest, second - sampledIn < window / Self.second else { return nil }
        return volatility
    }

    /// As `Double.init` has it to within two units in the last place; that one takes microseconds for 128 bits.
    private static func double(_ value: Int128) -> Double {
        let magnitude = value.magnitude
        let low = Double(UInt64(truncatingIfNeeded: magnitude))
        let double = Double(UInt64(truncatingIfNeeded: magnitude >> 64)) * 0x1p64 + low
        return value < 0 ? -double : double
    }

    private mutating func removeOldest() {
        moments.remove(base[head].value)
        head = head + 1 == capacity ? 0 : head + 1
    }
}
