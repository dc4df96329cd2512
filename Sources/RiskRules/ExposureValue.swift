/// What keeps something from being valued, if anything does.
enum ValueProblem: UInt8, BitwiseCopyable {
    case none
    /// The price was not fetched yet, or its link is down.
    case unfetched
    case unavailable
    case stale
    /// Larger than the exact range.
    case outOfRange

    init(_ missing: Reason) {
        switch missing {
        case .stateUnavailable: self = .unfetched
        case .priceStale: self = .stale
        default: self = .unavailable
        }
    }

    init(_ measure: Measure) {
        switch measure {
        case .missing(let reason): self.init(reason)
        case .outOfRange: self = .outOfRange
        default: self = .none
        }
    }

    /// What a value with this problem is; nil where there is none.
    var measure: Measure? {
        switch self {
        case .none: nil
        case .unfetched: .missing(.stateUnavailable)
        case .unavailable: .missing(.priceUnavailable)
        case .stale: .missing(.priceStale)
        case .outOfRange: .outOfRange
        }
    }
}

/// How many parts of a sum cannot be valued, by what keeps them from it.
struct ValueProblems: BitwiseCopyable {
    private var unfetched: Int32 = 0
    private var unavailable: Int32 = 0
    private var stale: Int32 = 0
    private var outOfRange: Int32 = 0

    mutating func count(_ problem: ValueProblem, by sign: Int32) {
        switch problem {
        case .none: return
        case .unfetched: unfetched &+= sign
        case .unavailable: unavailable &+= sign
        case .stale: stale &+= sign
        case .outOfRange: outOfRange &+= sign
        }
    }

    /// What a sum with these problems is; nil where all of it can be valued. A link that is down comes before anything
    /// else, then what is missing, then what is old.
    var measure: Measure? {
        if unfetched | unavailable | stale | outOfRange == 0 { return nil }
        if unfetched > 0 { return .missing(.stateUnavailable) }
        if unavailable > 0 { return .missing(.priceUnavailable) }
        return stale > 0 ? .missing(.priceStale) : .outOfRange
    }
}

/// A sum of products with signs, from below and from above.
struct Bracket: Equatable, BitwiseCopyable {
    var lower: Int128 = 0
    var upper: Int128 = 0

    init() {}

    init(_ product: FixedPoint.Product, isNegative: Bool) {
        let floor = Int128(truncatingIfNeeded: product.floor)
        lower = isNegative ? 0 &- product.ceiling : floor
        upper = isNegative ? 0 &- floor : product.ceiling
    }

    var magnitude: Int128 { Swift.max(upper, 0 &- lower) }

    static func &+ (left: Bracket, right: Bracket) -> Bracket {
        var sum = left
        sum.lower &+= right.lower
        sum.upper &+= right.upper
        return sum
    }

    static func &- (left: Bracket, right: Bracket) -> Bracket {
        var difference = left
        difference.lower &-= right.lower
        difference.upper &-= right.upper
        return difference
    }
}

/// What an account's worst case in one symbol is worth, or why that is not known; nothing where there is no quantity.
struct ExposureValue: Equatable, BitwiseCopyable {
    var problem = ValueProblem.none
    /// `position_notional`, rounded up.
    var gross: Int128 = 0
    /// `WCL x mark x m` and `WCS x mark x m`.
    var long = Bracket()
    var short = Bracket()

    init() {}

    init(_ worst: WorstCase, missing problem: ValueProblem) {
        if worst.long != 0 || worst.short != 0 { self.problem = problem }
    }

    init(_ worst: WorstCase, at mark: FixedPoint, _ multiplier: FixedPoint) {
        if worst.long == 0, worst.short == 0 { return }
        guard let longs = Self.product(worst.long, mark, multiplier) else {
            problem = .outOfRange
            return
        }
        long = Bracket(longs, isNegative: worst.long < 0)
        if worst.short == worst.long {
            short = long
            gross = longs.ceiling
            return
        }
        guard let shorts = Self.product(worst.short, mark, multiplier) else {
            self = ExposureValue()
            problem = .outOfRange
            return
        }
        short = Bracket(shorts, isNegative: worst.short < 0)
        gross = Swift.max(longs.ceiling, shorts.ceiling)
    }

    /// Values the worst case of one side again, by the same price, and the sums with it; false, and nothing is changed, where
    /// all of it has to be valued again.
    @inline(always)
    mutating func revalue(
        _ worst: WorstCase, _ side: Side, at mark: FixedPoint, _ multiplier: FixedPoint, in sums: inout ExposureSums
    ) -> Bool {
        let quantity = side == .buy ? worst.long : worst.short
        guard problem == .none, let product = Self.product(quantity, mark, multiplier) else { return false }
        let bracket = Bracket(product, isNegative: quantity < 0)
        let other = side == .buy ? short.magnitude : long.magnitude
        let gross = Swift.max(bracket.magnitude, other)
        sums.move(side, from: side == .buy ? long : short, to: bracket, gross: gross &- self.gross)
        if side == .buy { long = bracket } else { short = bracket }
        self.gross = gross
        return true
    }

    @inline(__always)
    private static func product(
        _ quantity: Int128, _ mark: FixedPoint, _ multiplier: FixedPoint
    ) -> FixedPoint.Product? {
        FixedPoint.product(quantity.magnitude, mark.units.magnitude, multiplier.units.magnitude)
    }
}

/// The values of all that an account holds and has working, summed.
struct ExposureSums: BitwiseCopyable {
    private(set) var gross: Int128 = 0
    private(set) var long = Bracket()
    private(set) var short = Bracket()
    private(set) var problems = ValueProblems()

    /// The sums with what was added before for one symbol replaced.
    @inline(__always)
    func replacing(_ before: ExposureValue, by after: ExposureValue) -> ExposureSums {
        var sums = self
        sums.gross = gross &- before.gross &+ after.gross
        sums.long = long &- before.long &+ after.long
        sums.short = short &- before.short &+ after.short
        sums.problems.count(before.problem, by: -1)
        sums.problems.count(after.problem, by: 1)
        return sums
    }

    /// Puts one side of what was added before for a symbol in the place of another, and what that makes of its gross.
    @inline(always)
    fileprivate mutating func move(_ side: Side, from before: Bracket, to after: Bracket, gross difference: Int128) {
        gross &+= difference
        switch side {
        case .buy: long = long &- before &+ after
        case .sell: short = short &- before &+ after
        }
    }

    mutating func add(_ value: ExposureValue) {
        gross &+= value.gross
        long = long &+ value.long
        short = short &+ value.short
        problems.count(value.problem, by: 1)
    }

    /// Takes out what was added before, exactly.
    mutating func subtract(_ value: ExposureValue) {
        gross &-= value.gross
        long = long &- value.long
        short = short &- value.short
        problems.count(value.problem, by: -1)
    }
}

/// What an account's orders without a price are worth at the mark, summed.
struct UnpricedSum: BitwiseCopyable {
    private(set) var notional: Int128 = 0
    private(set) var problems = ValueProblems()

    mutating func add(_ value: UnpricedValue) {
        notional &+= value.notional
        problems.count(value.problem, by: 1)
    }

    /// Takes out what was added before, exactly.
    mutating func subtract(_ value: UnpricedValue) {
        notional &-= value.notional
        problems.count(value.problem, by: -1)
    }
}

/// The same of one symbol.
struct UnpricedValue: BitwiseCopyable {
    var problem = ValueProblem.none
    var notional: Int128 = 0

    init() {}

    /// Whether it adds anything to a sum.
    var isAny: Bool { problem != .none || notional != 0 }

    /// - Parameter standing: why the mirrored price does not count, if it does not.
    init(_ quantity: Int128, at mark: FixedPoint, _ multiplier: FixedPoint, standing: ValueProblem) {
        if quantity == 0 { return }
        guard standing == .none else {
            problem = standing
            return
        }
        let product = FixedPoint.product(
            quantity.magnitude, mark.units.magnitude, multiplier.units.magnitude)
        if let product { notional = product.ceiling } else { problem = .outOfRange }
    }
}
