package import RiskRules

// Into the engine that decides, at the start.
extension JournalState {
    /// What a restart took over.
    package struct Restored: Equatable, Sendable {
        package var reservations = 0
        /// Reservations that the tables had no room for: with any, the ledger is not what it was.
        package var leftOut = 0
        package var accounts = 0
    }

    /// Gives the engine that decides all that is still needed. A rule set is installed in it, its `wallOffset` is set, and it has
    /// seen no order.
    /// - Parameters:
    ///   - now: monotonic nanoseconds.
    ///   - startedAtWall: when the process started, unix nanoseconds.
    package func restore(into target: RiskEngine, now: Int64, startedAtWall: Int64) -> Restored {
        let names = restoreNames(into: target)
        func name(_ kind: NameKind, _ id: NameID) -> NameID? {
            let known = names[Int(kind.rawValue)]
            return Int(id.index) < known.count ? known[Int(id.index)] : nil
        }
        var restored = Restored()
        for (account, snapshot) in snapshots {
            guard let id = name(.account, account) else { continue }
            target.update(account: snapshot.restored(wallOffset: target.wallOffset), of: id, now: now)
        }
        var images: [ReservationImage] = []
        images.reserveCapacity(imageCount)
        forEachImage { image in
            guard let account = name(.account, image.account), let symbol = name(.symbol, image.symbol),
                let strategy = name(.strategy, image.terms.strategy),
                let timeInForce = name(.timeInForce, image.terms.timeInForce)
            else { return }
            var image = image
            image.account = account
            image.symbol = symbol
            image.terms.strategy = strategy
            image.terms.timeInForce = timeInForce
            images.append(image)
        }
        restored.leftOut = imageCount - images.count + target.restore(images, now: now)
        restored.reservations = imageCount - restored.leftOut
        for number in 0..<names[Int(NameKind.account.rawValue)].count where number > 0 {
            guard let id = names[Int(NameKind.account.rawValue)][number] else { continue }
            engine.forEachClientOrderID(of: NameID(index: UInt32(number))) { digest in
                target.restore(clientOrderID: digest, of: id)
            }
        }
        engine.exportWindows(now: max(at, now &+ target.wallOffset)) { _ = target.importWindow($0, now: now) }
        for id in names[Int(NameKind.account.rawValue)].dropFirst() {
            guard let id else { continue }
            target.beginRecovery(of: id, startedAtWall: startedAtWall, now: now)
            restored.accounts += 1
        }
        return restored
    }

    /// By kind and number here: the number there; nil where there was no room.
    private func restoreNames(into target: RiskEngine) -> [[NameID?]] {
        NameKind.allCases.map { kind in
            let count = engine.nameCount(kind)
            let known =
                count == 0 ? [] : (1...count).map { target.restoreName(kind, engine.name(kind, NameID(index: $0))) }
            return [NameID.none] + known
        }
    }
}

extension JournalState.Snapshot {
    /// As what was read then: it orders later snapshots, and is not fresh.
    fileprivate func restored(wallOffset: Int64) -> AccountSnapshot {
        let read = at &- wallOffset
        return AccountSnapshot(values: values, readAt: read, since: read, freshUntil: .min, expiresAt: .max)
    }
}
