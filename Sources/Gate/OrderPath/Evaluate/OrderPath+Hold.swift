import RiskRules

/// Calls that wait: for the endpoint's connection to be ready, or, at most `redis.wait`, for the first look at a symbol or account.
/// Calls on mapped methods wait behind one another, so that a cancel never overtakes its order.
extension OrderPath {
    /// Whether a call that was read must wait before it is decided.
    func mustWait(_ exchange: Exchange.Pointer) -> Bool {
        guard let client = exchange.pointee.client else { return false }
        return client._withUnsafeGuaranteedRef {
            if let first = $0.held.first, first != exchange { return true }
            switch upstreamChoice(for: $0) {
            case .soon: return true
            case .ready(let upstream) where upstream._withUnsafeGuaranteedRef { $0.isCongested }: return true
            case .ready, .none: return waitsForState(exchange)
            }
        }
    }

    /// Whether the mirror still owes this order's first look, and its time is not up.
    private func waitsForState(_ exchange: Exchange.Pointer) -> Bool {
        guard exchange.pointee.action.isOrder else { return false }
        if exchange.pointee.waitUntil != 0, loop.now >= exchange.pointee.waitUntil { return false }
        guard isUnfetched(exchange) else { return false }
        if exchange.pointee.waitUntil == 0 {
            sendBacklog()
            exchange.pointee.waitUntil = loop.now + configuration.stateWait
            setTimer(exchange, at: min(exchange.pointee.waitUntil, exchange.pointee.deadline))
        }
        return true
    }

    /// Whether something that an order of the call is judged by was not fetched yet. It is, from now on, in use.
    private func isUnfetched(_ exchange: Exchange.Pointer) -> Bool {
        func isUnfetched(_ order: Order, _ replaces: OrderReference?) -> Bool {
            use(order)
            let unfetched = engine.unfetchedInputs(order, replacing: replaces)
            return unfetched.price || unfetched.account
        }
        guard let batch = exchange.pointee.batch else {
            return isUnfetched(exchange.pointee.order, exchange.pointee.replaces)
        }
        for index in 0..<batch.pointee.count {
            let order = batch.pointee.orders[index]
            if isUnfetched(order.order, order.replaces) { return true }
        }
        return false
    }

    /// Puts a read call behind those that wait already.
    func hold(_ exchange: Exchange.Pointer) {
        guard let client = exchange.pointee.client else { return }
        exchange.pointee.stage = .held
        if exchange.pointee.timer == .none, exchange.pointee.deadline != .max {
            setTimer(exchange, at: exchange.pointee.deadline)
        }
        client._withUnsafeGuaranteedRef {
            if $0.held.first == nil { clientsOnHold += 1 }
            $0.held.append(exchange)
        }
    }

    /// Puts a call that comes back unprocessed before everything that waits, in the order in which such calls were sent.
    func holdReturned(_ exchange: Exchange.Pointer) {
        guard let client = exchange.pointee.client else { return }
        exchange.pointee.stage = .held
        cancelTimer(exchange)
        if exchange.pointee.deadline != .max { setTimer(exchange, at: exchange.pointee.deadline) }
        client._withUnsafeGuaranteedRef {
            if $0.held.first == nil { clientsOnHold += 1 }
            var next = $0.held.first
            while let other = next, other.pointee.attempts > 0, other.pointee.sequence < exchange.pointee.sequence {
                next = $0.held.next(after: other)
            }
            if let next { $0.held.insert(exchange, before: next) } else { $0.held.append(exchange) }
        }
        advancesHeld = true
    }

    /// Puts a call that passes unread where it waits for the endpoint's connection.
    func holdPassing(_ exchange: Exchange.Pointer) {
        exchange.pointee.stage = .held
        exchange.pointee.client?._withUnsafeGuaranteedRef { $0.waiting.append(exchange) }
    }

    /// Takes a call off its client's lists.
    func removeHeld(_ exchange: Exchange.Pointer, from client: ClientConnection) {
        guard exchange.pointee.stage == .held else { return }
        if exchange.pointee.action == .pass {
            client.waiting.remove(exchange)
        } else {
            client.held.remove(exchange)
            if client.held.first == nil { clientsOnHold -= 1 }
        }
    }

    /// Lets go what no longer has to wait, of one client, in order.
    func advanceHeld(_ client: ClientConnection) {
        if case .soon = upstreamChoice(for: client) { return }
        while let exchange = client.waiting.first {
            removeHeld(exchange, from: client)
            exchange.pointee.stage = .receiving
            passOn(exchange)
        }
        while let exchange = client.held.first, !mustWait(exchange) {
            removeHeld(exchange, from: client)
            exchange.pointee.stage = .receiving
            cancelTimer(exchange)
            judge(exchange, started: loop.now)
        }
    }

    /// The same for all clients: something that calls wait for has changed.
    func advanceAllHeld() {
        for client in clients.values where client.held.first != nil || client.waiting.first != nil {
            advanceHeld(client)
        }
    }

    // MARK: Timers

    func setTimer(_ exchange: Exchange.Pointer, at deadline: Int64) {
        loop.cancel(exchange.pointee.timer)
        exchange.pointee.timer = loop.schedule(
            at: deadline, target: self, context: UInt64(UInt(bitPattern: exchange)))
    }

    func cancelTimer(_ exchange: Exchange.Pointer) {
        loop.cancel(exchange.pointee.timer)
        exchange.pointee.timer = .none
    }

    /// A call's time is up: to wait for the mirror, for its caller's deadline, or for the endpoint.
    func timePassed(_ exchange: Exchange.Pointer) {
        exchange.pointee.timer = .none
        switch exchange.pointee.stage {
        case .held where exchange.pointee.deadline <= loop.now:
            exchange.pointee.client?._withUnsafeGuaranteedRef { removeHeld(exchange, from: $0) }
            reject(exchange, .deadlineExceeded)
        case .held:
            exchange.pointee.client?._withUnsafeGuaranteedRef { advanceHeld($0) }
            if exchange.pointee.stage == .held, exchange.pointee.deadline != .max {
                setTimer(exchange, at: exchange.pointee.deadline)
            }
        case .forwarded:
            endpointIsSilent(exchange)
        case .receiving:
            reject(exchange, .deadlineExceeded)
        case .answered:
            break
        }
    }
}
