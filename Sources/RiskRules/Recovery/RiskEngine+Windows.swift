// Rate windows, out and in. What is kept per connection stays: no connection outlives the process.
extension RiskEngine {
    /// Calls `body` with what the windows of the installed rule set hold. Those of one window come the longest untouched
    /// first, and are to be imported in that order. Times are turned into unix ones by `wallOffset`. Allocates.
    /// - Parameter now: what has left a window by then is left out.
    package func exportWindows(now: Int64, _ body: (WindowExport) -> Void) {
        windows.counts.export(.counts, now: now, wallOffset: wallOffset, name, body)
        windows.duplicates.export(.duplicates, now: now, wallOffset: wallOffset, { key, _ in .alike(key) }, body)
        windows.sums.export(.sums, now: now, wallOffset: wallOffset, name, body)
    }

    /// Takes over what a window held, where the installed rule set has the same: a rule set is installed before, and names
    /// are restored; another set installed later goes on with the window as ever. Nothing is merged: this is for before the
    /// first order. What happened goes on to leave the window as time passes, by `wallOffset`; what is said to have happened
    /// later than now happened now.
    /// - Returns: false where no rule has such a window, or the name that it counts by is not known: nothing was taken over.
    package func importWindow(_ export: WindowExport, now: Int64) -> Bool {
        switch export.kind {
        case .counts: windows.counts.restore(export, now: now, wallOffset: wallOffset, digest)
        case .duplicates:
            windows.duplicates.restore(export, now: now, wallOffset: wallOffset) { key, _, _ in
                if case .alike(let digest) = key { digest } else { nil }
            }
        case .sums: windows.sums.restore(export, now: now, wallOffset: wallOffset, digest)
        }
    }

    /// What stands behind a key that is made of a slot and a number.
    private func name(_ key: Digest, _ per: RuleKey) -> WindowExport.Key? {
        let owner = RateWindows.owner(of: key)
        switch per {
        case .account: return .name(accountNames.digest(NameID(index: owner)))
        case .symbol: return .name(symbolNames.digest(NameID(index: owner)))
        case .connection: return nil
        case .strategy:
            guard owner >= Self.noStrategy else { return .name(strategyNames.digest(NameID(index: owner))) }
            return .noStrategy(of: accountNames.digest(NameID(index: owner & ~Self.noStrategy)))
        }
    }

    private func digest(_ key: WindowExport.Key, _ per: RuleKey, _ slot: Int32) -> Digest? {
        let owner: UInt32? =
            switch (key, per) {
            case (.name(let name), .account): accountNames.find(name)?.index
            case (.name(let name), .symbol): symbolNames.find(name)?.index
            case (.name(let name), .strategy): strategyNames.find(name)?.index
            case (.noStrategy(let account), .strategy): accountNames.find(account).map { $0.index | Self.noStrategy }
            case (.name, .connection), (.noStrategy, _), (.alike, _): nil
            }
        return owner.map { windows.digest(slot: slot, key: $0) }
    }
}
