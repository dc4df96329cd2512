import Gate
import RiskRules
import Testing

@Suite struct JournalTailTests {
    @Test func `a journal is followed over its segments, each record once`() throws {
        let directory = try TemporaryDirectory()
        let desk = try JournalDesk(in: directory.path("journal"))
        desk.begin()
        try desk.decide("before")
        let tail = try JournalTail(following: directory.path("journal"))
        var sequences: [UInt64] = []
        func poll() throws { #expect(try tail.poll { header, _ in sequences.append(header.sequence) } == nil) }
        try poll()
        #expect(sequences.isEmpty)
        var order = 0
        while try desk.files.numbers(.segment).count < 4 {
            for _ in 0..<200 {
                try desk.decide("c-\(order)")
                order += 1
            }
            desk.tick()
            try poll()
        }
        desk.close()
        try poll()
        let first = try #require(sequences.first)
        #expect(sequences == Array(first..<first + UInt64(sequences.count)))
        #expect(sequences.last == (try JournalDesk.verify(directory.path("journal")).lastSequence))
    }
}

@Suite struct JournalQueryTests {
    @Test func `what is asked for by time, kind and account is printed, and nothing else`() throws {
        let directory = try TemporaryDirectory()
        let desk = try JournalDesk(in: directory.path("journal"))
        desk.begin()
        let start = desk.at
        for order in 0..<4 {
            desk.pass(nanoseconds: 1_000)
            try desk.decide("c-\(order)", account: order % 2 == 0 ? "A" : "B")
        }
        desk.close()
        func ids(_ configure: (inout JournalQuery) -> Void) throws -> [String] {
            var query = JournalQuery()
            query.kinds = [.decision]
            configure(&query)
            var ids: [String] = []
            let broken = try query.forEachLine(in: try desk.files) { line in
                if case .text(let id)? = line["client_order_id"] { ids.append(id) }
            }
            #expect(broken.isEmpty)
            return ids
        }
        #expect(try ids { _ in } == ["c-0", "c-1", "c-2", "c-3"])
        #expect(try ids { $0.since = start + 2_000 } == ["c-1", "c-2", "c-3"])
        #expect(try ids { $0.until = start + 2_000 } == ["c-0", "c-1"])
        #expect(try ids { $0.account = "B" } == ["c-1", "c-3"])
        #expect(try ids { $0.kinds = [.stop] } == [])
        #expect(try ids { $0.since = start + 5_000 } == [])
    }
}
