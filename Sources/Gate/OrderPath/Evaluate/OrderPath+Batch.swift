import RiskRules

/// Calls with several orders: decided one after the other, each with those before it counted in, and sent on only whole.
extension OrderPath {
    /// Reads the orders of a batch. False: the call was answered.
    func readBatch(
        _ exchange: Exchange.Pointer, _ message: UnsafeRawBufferPointer, _ headers: HeaderFields
    ) -> Bool {
        let method = Int(exchange.pointee.method)
        let count: Int
        switch decoder.decodeBatch(method: method, message: message, headers: headers) {
        case .orders(let orders): count = orders
        case .refused(let failure):
            reject(exchange, failure)
            return false
        }
        guard let batch = batches.take(count: count) else {
            reject(exchange, .inFlightLimit)
            return false
        }
        exchange.pointee.batch = batch
        for index in 0..<count {
            let decoding = decoder.order(index, method: method, headers: headers)
            guard let failure = adopt(decoding, &batch.pointee.orders[index], of: exchange) else { continue }
            batch.pointee.refused = index
            reject(exchange, failure)
            return false
        }
        return true
    }

    /// Decides a batch. All its orders count in the rate windows, those behind a refused one too: a call that costs less
    /// than its orders would be a way around them.
    /// - Parameter started: when its decoding began, less what it waited; nil: it was counted and timed before, and comes back
    ///   unprocessed.
    func judgeBatch(_ exchange: Exchange.Pointer, _ batch: Batch.Pointer, connection: UInt32, started: Int64?) {
        var started = started
        let isFirst = started != nil
        var refusal: Refusal?
        for index in 0..<batch.pointee.count {
            let (order, replaces) = (batch.pointee.orders[index].order, batch.pointee.orders[index].replaces)
            let decisionID = nextDecisionID
            nextDecisionID &+= 1
            batch.pointee.orders[index].number = decisionID
            let verdict =
                isFirst
                ? engine.decide(order, replacing: replaces, connection: connection, now: loop.now)
                : engine.decideAgain(order, replacing: replaces, connection: connection, now: loop.readClock())
            let ended = loop.readClock()
            observe(verdict, duration: started.map { ended - $0 })
            let duration = started.map { ended - $0 } ?? 0
            if isFirst { started = ended }
            let isApproved = verdict.approved || configuration.shadow
            let isRecorded = record(
                batch.pointee.orders + index, at: index, of: exchange, Decided(verdict: verdict, duration: duration))
            if isApproved, isRecorded {
                let reservation = engine.reserve(
                    order, replacing: replaces, connection: connection, number: decisionID, now: loop.now)
                batch.pointee.orders[index].reservation = reservation
                if let reservation {
                    texts.note(reservation, clientOrderID: batch.pointee.orders[index].clientOrderIDText)
                }
                batch.pointee.orders[index].wasApproved = true
                guard reservation == nil else { continue }
            }
            if isFirst, !verdict.approved { countForBreaker(order, verdict) }
            guard refusal == nil else { continue }
            batch.pointee.refused = index
            exchange.pointee.decisionID = decisionID
            exchange.pointee.order = order
            refusal =
                !isApproved
                ? tell(verdict, index: index)
                : tell(isRecorded ? .inFlightLimit : .journalUnavailable, index: index)
        }
        guard let refusal else { return forward(exchange) }
        if isFirst { countRejects(of: batch, connection: connection) }
        undo(exchange)
        reject(exchange, refusal)
    }

    /// Counts those orders of a refused batch as rejected that were approved for themselves.
    func countRejects(of batch: Batch.Pointer, connection: UInt32) {
        for index in 0..<batch.pointee.count where batch.pointee.orders[index].wasApproved {
            engine.countReject(batch.pointee.orders[index].order, connection: connection, now: loop.now)
        }
    }
}
