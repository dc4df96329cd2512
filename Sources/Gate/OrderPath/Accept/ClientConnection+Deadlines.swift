import RiskRules

/// What a client must do in time. One timer per connection, for whatever is due first; most of what is awaited comes long before,
/// and costs a comparison.
extension ClientConnection {
    /// The connection has just been made.
    func awaitGreeting() {
        deadlines.preface = loop.now + limits.prefaceTimeout.nanoseconds
        deadlines.settings = loop.now + limits.settingsTimeout.nanoseconds
        deadlines.idle = loop.now + limits.idleTimeout.nanoseconds
        awaitAcknowledgement()
    }

    /// SETTINGS were sent.
    func awaitAcknowledgement() {
        deadlines.acknowledgement = loop.now + limits.settingsAcknowledgementTimeout.nanoseconds
        wake()
    }

    /// The head of an order or cancel is here, its message not.
    func awaitBody() {
        guard deadlines.body == .max else { return }
        deadlines.body = loop.now + limits.bodyTimeout.nanoseconds
        wake()
    }

    /// There are bytes that wait for the client to take them.
    func awaitTaking() {
        guard deadlines.stall == .max else { return }
        deadlines.stall = loop.now + limits.stallTimeout.nanoseconds
        wake()
    }

    /// Sees to it that the timer fires at the first deadline, at the latest.
    func wake() {
        let next = deadlines.next
        guard next < wakesAt else { return }
        loop.cancel(timer)
        wakesAt = next
        timer = loop.schedule(at: next, target: self, context: 0)
    }

    func timePassed() {
        wakesAt = .max
        let now = loop.now
        if let fault = deadlines.fault(at: now) {
            refuse(fault)
            return
        }
        if deadlines.body <= now { refuseSlowBodies(now) }
        if deadlines.stall <= now, !endStalls(now) { return }
        if deadlines.idle <= now {
            let silentSince = exchanges.first == nil ? lastReadAt : now
            deadlines.idle = silentSince + limits.idleTimeout.nanoseconds
            if deadlines.idle <= now {
                refuse(.idle)
                return
            }
        }
        wake()
    }

    /// Orders and cancels whose request is not whole in time.
    private func refuseSlowBodies(_ now: Int64) {
        let timeout = limits.bodyTimeout.nanoseconds
        deadlines.body = .max
        var next = exchanges.first
        while let exchange = next {
            next = exchanges.next(after: exchange)
            guard exchange.pointee.stage == .receiving, exchange.pointee.action != .pass else { continue }
            let due = exchange.pointee.headAt + timeout
            if due <= now {
                path.countHTTP2Error(.client, .bodyTimeout)
                path.reject(
                    exchange, DecodeFailure(.deadlineExceeded, "a request that is not whole within limits.body_timeout")
                )
            } else {
                deadlines.body = min(deadlines.body, due)
            }
        }
    }

    /// Answers that the client does not take are called off. False: nothing gets through to it at all, and it is closed.
    private func endStalls(_ now: Int64) -> Bool {
        let timeout = limits.stallTimeout.nanoseconds
        deadlines.stall = .max
        if blockedSince != 0 {
            if blockedSince + timeout <= now {
                path.countHTTP2Error(.client, .slowRead)
                shut()
                return false
            }
            deadlines.stall = blockedSince + timeout
        }
        var next = exchanges.first
        while let exchange = next {
            next = exchanges.next(after: exchange)
            guard exchange.pointee.stalledSince != 0 else { continue }
            let due = exchange.pointee.stalledSince + timeout
            if due <= now {
                path.countHTTP2Error(.client, .slowRead)
                exchange.pointee.stalledSince = 0
                path.callOff(exchange)
            } else {
                deadlines.stall = min(deadlines.stall, due)
            }
        }
        return true
    }
}
