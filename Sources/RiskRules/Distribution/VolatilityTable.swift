/// The volatility of every symbol and window that rules ask for, sampled once a second.
final class VolatilityTable {
    private let capacity: Int
    private let symbols: UnsafeMutablePointer<SymbolState>
    private var series: UnsafeMutablePointer<VolatilitySeries>
    private var room = 16
    private var count = 0
    private var sampledIn = Int64.min

    /// - Parameter capacity: pairs of a symbol and a window.
    init(capacity: Int, symbols: UnsafeMutablePointer<SymbolState>) {
        self.capacity = capacity
        self.symbols = symbols
        series = .allocate(capacity: room)
    }

    deinit {
        for place in 0..<count { series[place].deallocate() }
        series.deallocate()
    }

    /// Takes a sample of each symbol, unless this second has one.
    /// - Parameter linkUntil: until when prices count as confirmed alive.
    func sample(now: Int64, linkUntil: Int64) {
        let second = now / VolatilitySeries.second
        guard second > sampledIn else { return }
        sampledIn = second
        for place in 0..<count {
            let quote = symbols[Int(series[place].symbol.index)].quote
            let counts = quote.reasonMissing(now: now, linkUntil: linkUntil) == nil
            series[place].sample(counts ? quote.mark.units : 0, in: second)
        }
    }

    /// A symbol's volatility over a window; nil where there are too few returns.
    func value(of symbol: UnsafeMutablePointer<SymbolState>, window: Int64, now: Int64) -> Double? {
        let place = find(symbol, window)
        return place < 0 ? nil : series[place].value(in: now / VolatilitySeries.second)
    }

    /// Begins to sample a symbol, or goes on. Without room it is not sampled, and who asks finds no volatility.
    func want(_ symbol: NameID, window: Int64) {
        let state = symbols + Int(symbol.index)
        let place = find(state, window)
        guard place < 0 else {
            series[place].isWanted = true
            return
        }
        guard count < capacity else { return }
        if count == room { grow() }
        (series + count).initialize(
            to: VolatilitySeries(symbol: symbol, window: window, next: state.pointee.firstVolatility))
        state.pointee.firstVolatility = Int32(truncatingIfNeeded: count)
        count += 1
    }

    /// What nobody wants from here to `removeUnwanted` is given up there.
    func wantNone() {
        for place in 0..<count { series[place].isWanted = false }
    }

    func removeUnwanted() {
        for place in 0..<count { symbols[Int(series[place].symbol.index)].firstVolatility = -1 }
        var kept = 0
        for place in 0..<count {
            guard series[place].isWanted else {
                series[place].deallocate()
                continue
            }
            series[kept] = series[place]
            let state = symbols + Int(series[kept].symbol.index)
            series[kept].next = state.pointee.firstVolatility
            state.pointee.firstVolatility = Int32(truncatingIfNeeded: kept)
            kept += 1
        }
        count = kept
    }

    private func find(_ symbol: UnsafeMutablePointer<SymbolState>, _ window: Int64) -> Int {
        var place = symbol.pointee.firstVolatility
        while place >= 0, series[Int(place)].window != window { place = series[Int(place)].next }
        return Int(place)
    }

    private func grow() {
        let grown = UnsafeMutablePointer<VolatilitySeries>.allocate(capacity: room * 2)
        grown.moveInitialize(from: series, count: count)
        series.deallocate()
        series = grown
        room *= 2
    }
}
