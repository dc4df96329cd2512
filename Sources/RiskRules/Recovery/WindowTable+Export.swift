// What outlives the engine of a table of windows.
extension WindowTable {
    /// What to name a key by, of a window that counts per account, strategy or symbol; nil leaves the key out.
    typealias Naming = (_ key: Digest, _ per: RuleKey) -> WindowExport.Key?

    /// Calls `body` with what each key of each window holds at `now`, and with what windows could not hold; see
    /// `RiskEngine.exportWindows`.
    func export(
        _ kind: WindowExport.Kind, now: Int64, wallOffset: Int64, _ naming: Naming, _ body: (WindowExport) -> Void
    ) {
        for (identity, slot) in known {
            let window = slots + Int(slot)
            guard window.pointee.per != .connection else { continue }
            if window.pointee.lostUntil > now {
                let until = window.pointee.lostUntil
                body(
                    WindowExport(
                        kind: kind, window: identity.digest, key: nil, entries: [],
                        lostUntil: until == .max ? .max : until &+ wallOffset))
            }
            var place = window.pointee.first
            while place >= 0 {
                let key = keys + Int(place)
                if !isOver(place, now: now), let name = naming(index.key(at: Int(place)), window.pointee.per) {
                    var entries: [WindowExport.Entry] = []
                    key.pointee.ring.forEach { entry in
                        guard entry.time > now &- window.pointee.length else { return }
                        entries.append(
                            WindowExport.Entry(time: entry.time &+ wallOffset, amount: Int128(entry.amount)))
                    }
                    body(
                        WindowExport(
                            kind: kind, window: identity.digest, key: name, entries: entries, lostUntil: 0))
                }
                place = key.pointee.next
            }
        }
    }

    /// Takes over what a window or one of its keys held; false where no window is the same, or its key has no name here.
    func restore(
        _ export: WindowExport, now: Int64, wallOffset: Int64,
        _ digest: (_ key: WindowExport.Key, _ per: RuleKey, _ slot: Int32) -> Digest?
    ) -> Bool {
        guard let slot = slot(of: export.window), case let window = slots + Int(slot), window.pointee.per != .connection
        else { return false }
        guard let key = export.key else {
            let until = export.lostUntil == .max ? .max : export.lostUntil &- wallOffset
            let last = Self.end(of: now, window.pointee.length)
            window.pointee.lostUntil = Swift.max(window.pointee.lostUntil, Swift.min(until, last))
            return true
        }
        guard let key = digest(key, window.pointee.per, slot) else { return false }
        for entry in export.entries {
            let amount = Amount(clamping: Swift.max(0, entry.amount))
            _ = add(amount, slot: slot, key: key, now: Swift.min(entry.time &- wallOffset, now))
        }
        return true
    }

    private func slot(of window: Digest) -> Int32? {
        var low = 0
        var high = known.count
        while low < high {
            let middle = (low + high) / 2
            if known[middle].identity < RuleSet.WindowKey(window) { low = middle + 1 } else { high = middle }
        }
        return low < known.count && known[low].identity.digest == window ? known[low].slot : nil
    }
}
