import RiskRules
import Testing

/// What people see of an account.
struct AccountViewTests {
    private func known(_ name: String, _ desk: Desk) -> NameID? {
        var name = name
        return name.withUTF8 { desk.engine.knownAccount(UnsafeRawBufferPointer($0)) }
    }

    @Test func `an account is known once it was named, and asking for one names none`() throws {
        let desk = try Desk([["id: limit", "metric: position_quantity", "max: 10"]])
        let count = desk.engine.accountCount
        for name in ["", "stranger", "another", String(repeating: "x", count: 65)] { #expect(known(name, desk) == nil) }
        #expect(desk.engine.accountCount == count)
        let name = Array("stranger".utf8)
        let id = name.withUnsafeBytes { desk.engine.account($0) }
        #expect(id == known("stranger", desk).map { .new($0) })
    }

    @Test func `reservations are shown with their ids, the latest first`() throws {
        let desk = try Desk([["id: limit", "metric: position_quantity", "max: 10"]])
        try desk.snapshot(asOf: desk.wallNow)
        let account = try desk.order().account
        let sent = try ["1", "2", "3"].map { try desk.send(try desk.order(.buy, $0)) }
        desk.engine.release(sent[1])
        var shown: [ReservationID] = []
        desk.engine.forEachReservation(of: account) { id, reservation in
            #expect(desk.engine.reservation(id)?.remaining == reservation.remaining)
            shown.append(id)
        }
        #expect(shown == [sent[2], sent[0]])
        #expect(Set(shown.map(\.place)).count == 2)
    }

    @Test func `the latest snapshot is shown with its time`() throws {
        let desk = try Desk([["id: limit", "metric: position_quantity", "max: 10"]])
        let account = try desk.order().account
        #expect(desk.engine.snapshot(of: account) == nil && desk.engine.snapshotSince(of: account) == nil)
        try desk.snapshot(equity: "7", asOf: desk.wallNow)
        #expect(desk.engine.snapshot(of: account)?.values.equity?.description == "7")
        #expect(desk.engine.snapshotSince(of: account) == desk.engine.snapshot(of: account)?.since)
    }
}
