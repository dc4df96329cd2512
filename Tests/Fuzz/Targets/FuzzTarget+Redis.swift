import Gate
import RiskRules

// What stands in Redis, and in the files that say the same.
extension FuzzTarget {
    func price(_ bytes: UnsafeRawBufferPointer) throws {
        for parser in FuzzContext.shared.prices {
            guard let price = try? parser.parse(bytes) else { continue }
            try require(price.mark > .zero, "a price that is not above zero")
        }
    }

    func account(_ bytes: UnsafeRawBufferPointer) {
        _ = try? AccountSnapshotParser().parse(bytes)
    }

    /// What other Gates let through counts as long as it is told, and never as this Gate's own.
    func reserved(_ bytes: UnsafeRawBufferPointer) throws {
        guard let told = try? SharedReservations(reading: bytes) else { return }
        let written = try told.encoded()
        try require(
            try written.withUnsafeBytes { try SharedReservations(reading: $0) } == told, "written anew it is another")
        guard let reservations = try? told.reservations() else { return }
        let engine = RiskEngine(limits: FuzzContext.shared.limits)
        guard
            let account = "A".utf8.withContiguousStorageIfAvailable({
                engine.restoreName(.account, UnsafeRawBufferPointer($0))
            }) ?? nil
        else { return }
        for (number, expiry) in [(1, 10), (2, 20), (1, 15)] as [(UInt64, Int64)] {
            let gate = Digest(low: number, high: 1)
            engine.setForeign(reservations, of: account, instance: gate, expiresAt: expiry)
        }
        try requireNothingReserved(engine, account)
        engine.expireForeign(now: 15)
        engine.setForeign(nil, of: account, instance: Digest(low: 2, high: 1))
        try requireNothingReserved(engine, account)
    }

    private func requireNothingReserved(_ engine: RiskEngine, _ account: NameID) throws {
        var symbols = 0
        let margin = engine.ownReservations(of: account) { _, sums in if sums != ReservedSums() { symbols += 1 } }
        try require(symbols == 0 && margin == ReservedMargin(), "another Gate's orders are taken for this one's")
    }

    /// What is taken over is written as it was read.
    func stop(_ bytes: UnsafeRawBufferPointer) throws {
        let content = Array(bytes)
        var exchange = StopExchange(held: [])
        exchange.synchronised()
        let wallNow: Int64 = 1_800_000_000_000_000_000
        if case .take(let record) = exchange.read(.global, .text(content), latest: nil, wallNow: wallNow) {
            var other = StopExchange(held: [])
            other.synchronised()
            other.recorded(.global)
            let write = other.write(.global, record)
            try require(write != nil, "a stop that cannot be written")
            let read = write.map { exchange.read(.global, .text($0.text), latest: nil, wallNow: wallNow) }
            try require(read == .take(record), "a stop is another once it is written")
        }
        if let records = try? StopDocument.records(in: content) {
            let written = try StopDocument(records).encoded()
            try require(try StopDocument.records(in: written) == records, "stops are others once they are written")
        }
        if let unwinding = try? UnwindDocument.read(content) {
            let counts = unwinding.values.flatMap { [$0.progress.ordersCanceled, $0.progress.positionsClosed] }
            try require(counts.allSatisfy { (0..<Int.max).contains($0) }, "a count that cannot go on")
        }
    }
}
