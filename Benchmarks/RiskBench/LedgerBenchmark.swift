import RiskRules

/// What an order costs the ledger from its reservation to its end, and what it costs more where a journal is told of it.
enum LedgerBenchmark {
    static func run() throws {
        try measure("reserved, answered, ended", isTold: false)
        try measure("the same, told to a journal after each", isTold: true)
    }

    private static func measure(_ what: String, isTold: Bool) throws {
        let desk = try BenchDesk(rules: [BenchDesk.rule("clip", "metric: order_quantity, max: 1000")])
        desk.quote("S0", bid: "99.9", ask: "100.1")
        desk.snapshot("A", positions: 1)
        let order = desk.order(symbol: "S0")
        if isTold { desk.engine.noteLedgerChanges() }
        var told: Int64 = 0
        func tell() {
            guard isTold else { return }
            desk.engine.drainLedgerChanges { change in
                if case .brief(let brief) = change { told &+= brief.approvedAt }
                return true
            }
        }
        let timing = Timing { call in
            let now = desk.now + Int64(call)
            guard
                let id = desk.engine.reserve(
                    order, replacing: nil, connection: 1, number: UInt64(call + 1), now: now)
            else { preconditionFailure("a benchmark's ledger is never full") }
            tell()
            desk.engine.accepted(id, orderID: .none, now: now, wallNow: now)
            tell()
            desk.engine.ended(id, filled: .zero, now: now, wallNow: now)
            tell()
        }
        precondition(isTold == (told > 0), "a journal is told of what happens")
        timing.report(what)
    }
}
