// What the mirror may let go of, and what is then no longer known.
extension RiskEngine {
    /// Whether an account holds something of a symbol, or has something working in it: its price values that.
    package func isHeld(symbol: NameID) -> Bool { symbols[Int(symbol.index)].firstHolder >= 0 }

    /// Whether an account holds anything, has anything working, or has an order let through that is not settled.
    package func isHeld(account: NameID) -> Bool {
        let state = accounts + Int(account.index)
        return state.pointee.firstExposure >= 0 || state.pointee.firstReservation >= 0
    }

    /// Calls `body` with each symbol that an account holds or has something working in.
    package func forEachSymbol(heldBy account: NameID, _ body: (NameID) -> Void) {
        var place = accounts[Int(account.index)].firstExposure
        while place >= 0 {
            let exposure = exposures[place]
            place = exposure.pointee.next
            body(exposure.pointee.symbol)
        }
    }

    /// A symbol's price is mirrored no more: it is as if it had never been fetched.
    package func forgetPrice(of symbol: NameID) { update(price: .unfetched, symbol: symbol) }

    /// An account is mirrored no more: it is as if it had never been fetched, but for its time, behind which no later snapshot
    /// goes back.
    package func forgetAccount(_ account: NameID) {
        accountAbsent(account)
        accounts[Int(account.index)].availability = .unfetched
    }
}
