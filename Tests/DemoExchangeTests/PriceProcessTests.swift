import DemoExchange
import Foundation
import Testing

@Suite struct PriceProcessTests {
    @Test(arguments: Instrument.listed.indices)
    func `a day of prices stays on ticks, one tick wide, and within its band`(index: Int) {
        let instrument = Instrument.listed[index]
        var process = PriceProcess(instrument: instrument, seed: 3)
        var (lowest, highest) = (instrument.startPrice, instrument.startPrice)
        var offTick = 0
        for second in 1...Effort.of(20_000) {
            let quote = process.next(after: 4, asOf: second)
            let isOnTick = quote.bid.isMultiple(of: instrument.tickSize)
            if !isOnTick || quote.ask - quote.bid != instrument.tickSize || quote.asOf != second { offTick += 1 }
            lowest = min(lowest, quote.bid)
            highest = max(highest, quote.ask)
        }
        #expect(offTick == 0)
        #expect(lowest.wire >= instrument.startPrice.wire * exp(-PriceProcess.band) - instrument.tickSize.wire)
        #expect(highest.wire <= instrument.startPrice.wire * exp(PriceProcess.band) + instrument.tickSize.wire)
        #expect(lowest < instrument.startPrice && highest > instrument.startPrice)
    }

    @Test func `no time moves no price`() {
        var process = PriceProcess(instrument: Instrument.listed[0], seed: 3)
        let quote = process.next(after: 1, asOf: 1)
        let again = process.next(after: 0, asOf: 1)
        #expect(again == quote)
    }

    @Test(arguments: [(0.1, "0.1"), (0.1 + 0.2, "0.30000000000000004"), (50_000.5, "50000.5"), (1e-7, "0.0000001")])
    func `a number of the wire becomes the digits that were meant`(value: Double, digits: String) {
        #expect(Decimal(wire: value) == Decimal(string: digits))
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity, 1e300])
    func `what is not a number of the exchange is none`(value: Double) {
        #expect(Decimal(wire: value) == nil)
    }

    @Test func `digits come back as the double they came from`() throws {
        for value in [0.039, 50_033.1, 566.71, 2_998.93] {
            #expect(try #require(Decimal(wire: value)).wire == value)
        }
    }
}
