import CLinux
import RiskRules

/// What comes from the state thread, and what is asked of it.
extension OrderPath {
    /// Puts everything that the state thread has sent into force.
    func takeUpdates() {
        while let update = updates.take() {
            switch update.kind {
            case .price:
                if watchedSymbols.follows(update.name) { engine.update(price: update.quote, symbol: update.name) }
            case .account:
                guard let object = update.object else { break }
                let snapshot = Unmanaged<AccountSnapshot>.fromOpaque(object).takeRetainedValue()
                guard watchedAccounts.follows(update.name) else { break }
                self.update(account: snapshot, of: update.name)
                useSymbols(heldBy: update.name)
            case .accountAbsent:
                if watchedAccounts.follows(update.name) { engine.accountAbsent(update.name) }
            case .accountRefused:
                if watchedAccounts.follows(update.name) { engine.accountRefused(update.name) }
            case .pricesLink:
                engine.pricesLinkUntil = update.until
            case .accountsLink:
                engine.accountsLinkUntil = update.until
            case .rules:
                guard let object = update.object else { break }
                install(Unmanaged<PublishedRules>.fromOpaque(object).takeRetainedValue())
            case .stop:
                setStop(update)
            case .stopRecord:
                guard let object = update.object else { break }
                record(Unmanaged<StopNote>.fromOpaque(object).takeRetainedValue())
            case .unwindNote:
                guard let object = update.object else { break }
                record(unwinding: Unmanaged<TextNote>.fromOpaque(object).takeRetainedValue().text)
            case .foreign:
                takeForeign(update)
            case .alone:
                sharing.isAlone = update.flag
            }
        }
    }

    /// Lets rules on volatility see the prices of this second, and comes again as the next one begins.
    func sampleVolatility() {
        let second: Int64 = 1_000_000_000
        let now = loop.readClock()
        engine.sampleVolatility(now: now)
        _ = loop.schedule(
            at: (now / second + 1) * second, target: self, context: TimerPurpose.volatilitySample)
    }

    /// Decides by this set from now on.
    package func install(_ published: PublishedRules) {
        let retired = rules
        rules = published
        engine.install(published.ruleSet)
        breachBook.install(published.ruleSet)
        showWallTime()
        _ = journal.rules(published, at: wallNow)
        guard let retired else { return }
        // To free ten thousand rules takes longer than an order may wait.
        var request = StateRequest(kind: .retire)
        request.rules = Unmanaged.passRetained(retired).toOpaque()
        send(request)
    }

    /// Tells the engine what time it is, where rules ask.
    func showWallTime() {
        guard engine.asksWallTime else { return }
        engine.wallOffset = gate_realtime_ns() &- loop.now
    }

    private func setStop(_ update: StateUpdate) {
        guard let name = stopName(update) else { return }
        engine.setStop(update.scope, name: name, active: update.flag)
    }

    /// The engine's name for what a stop covers: a stop may come before the first order of its account.
    private func stopName(_ update: StateUpdate) -> NameID? {
        let text = update.text
        return withUnsafeBytes(of: text.bytes) { bytes in
            let name = UnsafeRawBufferPointer(rebasing: bytes[..<Int(text.count)])
            let lookup: NameLookup
            switch update.scope {
            case .global: return NameID.none
            case .account: lookup = engine.account(name)
            case .strategy: lookup = engine.strategy(name)
            case .symbol: lookup = engine.symbol(name)
            }
            switch lookup {
            case .known(let id), .new(let id): return id
            case .caseConflict, .tableFull: return nil
            }
        }
    }

    /// Shows how many orders the ledger counts, by state.
    func showReservations() {
        let counters = engine.counters
        let counts = ReservationCounts(
            inFlight: Int64(engine.reservationCount(.inFlight)), open: Int64(engine.reservationCount(.open)),
            closing: Int64(engine.reservationCount(.closing)), unknown: Int64(engine.reservationCount(.unknown)),
            settledByTime: counters.unknownsSettledByTime, settledByOperator: counters.unknownsSettledByOperator,
            doubleResolves: counters.doubleResolves)
        if counts != shownCounts {
            shownCounts = counts
            metrics.show(counts)
        }
    }

    /// Gives a request to the state thread. Where its mailbox is full, log lines are dropped and counted, the rest is kept.
    func send(_ request: StateRequest) {
        if backlog.isEmpty, requests.push(request) { return }
        if request.kind == .reject {
            metrics.droppedLogLines.add()
            if let rules = request.reject.rules { Unmanaged<PublishedRules>.fromOpaque(rules).release() }
        } else {
            backlog.append(request)
        }
    }

    func sendBacklog() {
        guard !backlog.isEmpty else { return }
        var sent = 0
        while sent < backlog.count, requests.push(backlog[sent]) { sent += 1 }
        backlog.removeFirst(sent)
    }
}
