import RiskRules

/// Which symbols and accounts the mirror follows: those that orders name and that are held, and, while there is room, the others
/// that rules, stops and snapshots name.
extension OrderPath {
    /// Notes that an order is about to be judged by the price of its symbol and the state of its account, and has them
    /// mirrored where they are not.
    func use(_ order: Order) {
        let second = WatchList.second(of: loop.now)
        if !watchedSymbols.use(order.symbol, second: second) { follow(symbol: order.symbol, second: second) }
        if !watchedAccounts.use(order.account, second: second) { follow(account: order.account, second: second) }
    }

    /// Has what an account holds mirrored: its worth depends on it.
    func useSymbols(heldBy account: NameID) {
        // As long as there is room for all there is nothing to do.
        guard watchedSymbols.count < seenSymbols else { return }
        let second = WatchList.second(of: loop.now)
        engine.forEachSymbol(heldBy: account) {
            if !watchedSymbols.follows($0) { follow(symbol: $0, second: second) }
        }
    }

    /// Asks for the names that were interned since the last time, by rules, stops or snapshots.
    func watchNewNames() {
        while seenAccounts < engine.accountCount {
            seenAccounts += 1
            let name = NameID(index: UInt32(truncatingIfNeeded: seenAccounts))
            if !watchedAccounts.follows(name), watchedAccounts.followIfRoom(name) {
                send(.watchAccount, name, engine.accountName(name))
            }
        }
        while seenSymbols < engine.symbolCount {
            seenSymbols += 1
            let name = NameID(index: UInt32(truncatingIfNeeded: seenSymbols))
            if !watchedSymbols.follows(name), watchedSymbols.followIfRoom(name) {
                send(.watchSymbol, name, engine.symbolName(name))
            }
        }
        sendBacklog()
    }

    private func follow(symbol: NameID, second: UInt32) {
        switch watchedSymbols.follow(symbol, second: second, isKept: { engine.isHeld(symbol: $0) }) {
        case .followed: break
        case .inPlaceOf(let dropped):
            engine.forgetPrice(of: dropped)
            metrics.mirrorDropped.add(.price)
            send(.unwatchSymbol, dropped, engine.symbolName(dropped))
        case .turnedAway:
            turnedAway(.price, engine.symbolName(symbol), second: second)
            return
        }
        send(.watchSymbol, symbol, engine.symbolName(symbol))
    }

    private func follow(account: NameID, second: UInt32) {
        switch watchedAccounts.follow(account, second: second, isKept: { engine.isHeld(account: $0) }) {
        case .followed: break
        case .inPlaceOf(let dropped):
            engine.forgetAccount(dropped)
            metrics.mirrorDropped.add(.account)
            send(.unwatchAccount, dropped, engine.accountName(dropped))
        case .turnedAway:
            turnedAway(.account, engine.accountName(account), second: second)
            return
        }
        send(.watchAccount, account, engine.accountName(account))
    }

    /// Counts it, and has it logged once a minute.
    private func turnedAway(_ kind: MirrorKind, _ name: UnsafeRawBufferPointer, second: UInt32) {
        metrics.mirrorTurnedAway.add(kind)
        guard second >= quietUntil else { return }
        quietUntil = second &+ 60
        send(.turnedAway, .none, name)
    }

    private func send(_ kind: StateRequest.Kind, _ name: NameID, _ text: UnsafeRawBufferPointer) {
        var request = StateRequest(kind: kind, name: name)
        request.text = NameText(text)
        send(request)
    }
}
