import Glibc

/// What all clients together may cost.
extension OrderPath {
    /// Counts the bytes kept for a call anew, after they changed.
    func account(_ exchange: Exchange.Pointer) {
        let kept = exchange.pointee.keptBytes
        let change = kept - exchange.pointee.accounted
        guard change != 0 else { return }
        exchange.pointee.accounted = kept
        keptBytes += change
        if let client = exchange.pointee.client {
            client._withUnsafeGuaranteedRef { $0.keptBytes += change }
        }
        mustShed = keptBytes > configuration.http2.bufferedBytes
    }

    /// Bytes of an answer wait for their client.
    func responseWaits(_ exchange: Exchange.Pointer) {
        account(exchange)
        guard exchange.pointee.stalledSince == 0, let client = exchange.pointee.client else { return }
        exchange.pointee.stalledSince = loop.now
        client._withUnsafeGuaranteedRef { $0.awaitTaking() }
    }

    /// A call is about to lose its client.
    func disown(_ exchange: Exchange.Pointer, _ client: ClientConnection) {
        client.keptBytes -= exchange.pointee.accounted
    }

    /// A call's slot is about to be given back.
    func forget(_ exchange: Exchange.Pointer) {
        keptBytes -= exchange.pointee.accounted
        exchange.pointee.accounted = 0
    }

    /// Too much is kept because somebody does not take it: the connection that makes Gate keep the most goes.
    func shedLargest() {
        mustShed = false
        guard keptBytes > configuration.http2.bufferedBytes,
            let largest = clients.values.max(by: { $0.keptBytes < $1.keptBytes })
        else { return }
        largest.refuse(.bufferFull)
    }

    /// Ends a call on both sides for what its client does, or does not do.
    func callOff(_ exchange: Exchange.Pointer) {
        if exchange.pointee.stage == .forwarded, exchange.pointee.action != .pass, !exchange.pointee.responseEnded {
            outcomeUnknown(exchange)
        }
        resetUpstream(exchange, .cancel)
        resetClient(exchange, .enhanceYourCalm)
    }

    /// A slot for one more call of a client; nil where none is left for it: every other shall have some too.
    func takeExchange(for client: ClientConnection) -> Exchange.Pointer? {
        let reserved = configuration.maximumConnections * OrderPathConfiguration.reservedExchanges
        guard pool.left > reserved || client.exchanges.count < OrderPathConfiguration.reservedExchanges else {
            return nil
        }
        return pool.take()
    }

    /// A client's bytes are left over: it goes on in the next turn, which follows at once.
    func readAgain(_ client: ClientConnection) {
        // Kept alive for the turn to come.
        unfinished.append(.passRetained(client))
        loop.runAgain()
    }

    /// Goes on with what the turn before left.
    func readUnfinished() {
        unfinished.removeAll {
            $0._withUnsafeGuaranteedRef { $0.readAvailable() }
            $0.release()
        }
    }

    /// Closes a socket once its peer has had the time to read what was said last.
    func linger(_ descriptor: Int32) {
        guard lingering.count < OrderPathConfiguration.maximumLingering,
            let socket = try? LingeringSocket(owning: descriptor, path: self)
        else {
            close(descriptor)
            return
        }
        lingering[ObjectIdentifier(socket)] = socket
    }

    func lingered(_ socket: LingeringSocket) {
        keepUntilTurnEnds(socket)
        lingering[ObjectIdentifier(socket)] = nil
    }

    func countHTTP2Error(_ side: ConnectionSide, _ kind: HTTP2ErrorKind) {
        metrics.http2Errors.add(HTTP2ErrorLabels(side: side, kind: kind))
    }
}
