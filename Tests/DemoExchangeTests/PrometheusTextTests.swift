import DemoExchange
import Testing

@Suite struct PrometheusTextTests {
    private let page = PrometheusText(
        """
        # HELP orders_total Orders.
        # TYPE orders_total counter
        orders_total{decision="approved",reason="none"} 5
        orders_total{decision="rejected",reason="A \\"B\\", {C}"} 2
        up 1
        took_seconds_bucket{way="in",le="0.001"} 50
        took_seconds_bucket{way="in",le="0.002"} 90
        took_seconds_bucket{way="in",le="+Inf"} 100
        took_seconds_bucket{way="out",le="0.001"} 0
        took_seconds_bucket{way="out",le="0.002"} 10
        took_seconds_bucket{way="out",le="+Inf"} 10
        not a sample
        """)

    @Test func `samples are read with their labels`() {
        #expect(page.sum("up") == 1)
        #expect(page.sum("orders_total") == 7)
        #expect(page.sum("orders_total", where: ["decision": "approved"]) == 5)
        #expect(page.samples("orders_total").last?.labels["reason"] == "A \"B\", {C}")
        #expect(page.samples("absent").isEmpty)
    }

    @Test func `quantiles are interpolated in their bucket`() throws {
        let inward = page.histogram("took_seconds", where: ["way": "in"])
        #expect(inward.count == 100)
        #expect(try #require(inward.quantile(0.25)).isClose(to: 0.000_5))
        #expect(try #require(inward.quantile(0.5)).isClose(to: 0.001))
        #expect(try #require(inward.quantile(0.7)).isClose(to: 0.001_5))
        #expect(try #require(inward.quantile(0.99)).isClose(to: 0.002))
    }

    @Test func `series add up, and a difference holds what came since`() throws {
        let both = page.histogram("took_seconds")
        #expect(both.count == 110)
        let since = both.since(page.histogram("took_seconds", where: ["way": "in"]))
        #expect(since.count == 10)
        #expect(try #require(since.quantile(0.5)).isClose(to: 0.001_5))
    }

    @Test func `nothing observed has no quantile`() {
        #expect(page.histogram("absent").quantile(0.5) == nil)
    }
}

extension Double {
    fileprivate func isClose(to other: Double) -> Bool { abs(self - other) < 1e-12 }
}
