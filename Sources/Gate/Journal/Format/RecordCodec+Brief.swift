import RiskRules

// Fields of records as most are, in less room. What does not fit is refused: another kind of record has room for it.
extension RecordCodec {
    /// A number whose units fit in 64 bits.
    @inline(__always)
    mutating func short(_ value: inout FixedPoint) {
        var units = Int64(truncatingIfNeeded: value.units)
        if !Self.isReading, Int128(units) != value.units { refuse() }
        integer(&units)
        if Self.isReading { value = FixedPoint(units: Int128(units)) }
    }

    /// The same of one that may be missing: as the least that 64 bits hold.
    @inline(__always)
    mutating func short(_ value: inout FixedPoint?) {
        var units = Int64.min
        if !Self.isReading, let known = value?.units {
            units = Int64(truncatingIfNeeded: known)
            if Int128(units) != known || units == .min { refuse() }
        }
        integer(&units)
        if Self.isReading { value = units == .min ? nil : FixedPoint(units: Int128(units)) }
    }

    /// The number of a name in 16 bits.
    @inline(__always)
    mutating func short(_ value: inout NameID) {
        var index = UInt16(truncatingIfNeeded: value.index)
        if !Self.isReading, value.index > UInt16.max { refuse() }
        integer(&index)
        if Self.isReading { value.index = UInt32(index) }
    }

    /// Three flags in one byte; the first is the lowest bit.
    @inline(__always)
    mutating func flags(_ first: inout Bool, _ second: inout Bool, _ third: inout Bool) {
        var bits: UInt8 = (first ? 1 : 0) | (second ? 2 : 0) | (third ? 4 : 0)
        integer(&bits)
        guard Self.isReading else { return }
        if bits > 7 { refuse() }
        first = bits & 1 != 0
        second = bits & 2 != 0
        third = bits & 4 != 0
    }

    /// What an order is, but for its names and numbers, in one byte: bit 0 is set for a sell order, bit 1 where it only reduces, bit 2
    /// where it may be a market order; its type stands above them.
    @inline(__always)
    mutating func shape(
        _ side: inout Side, _ type: inout OrderType, _ reduceOnly: inout Bool, _ mayBeMarket: inout Bool
    ) {
        var bits: UInt8 =
            (side == .sell ? 1 : 0) | (reduceOnly ? 2 : 0) | (mayBeMarket ? 4 : 0) | type.rawValue << 3
        integer(&bits)
        guard Self.isReading else { return }
        side = bits & 1 != 0 ? .sell : .buy
        reduceOnly = bits & 2 != 0
        mayBeMarket = bits & 4 != 0
        if let read = OrderType(rawValue: bits >> 3) { type = read } else { refuse() }
    }
}
