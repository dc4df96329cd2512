import RiskRules

/// From the bytes of a call to what the rules judge.
extension OrderPath {
    /// Looks at the head of a call on an order method. False: it was answered.
    func admitHead(_ exchange: Exchange.Pointer) -> Bool {
        let head = exchange.pointee.requestHead
        guard let method = head.first(":method"), method.equals("POST") else {
            refuse(exchange, httpStatus: "405")
            return false
        }
        guard let type = head.first("content-type"), Self.isGRPC(type) else {
            refuse(exchange, httpStatus: "415")
            return false
        }
        // A cancel is sent on whatever its caller's patience.
        if exchange.pointee.action.isOrder, let text = head.first("grpc-timeout") {
            guard let timeout = GRPCTimeout.nanoseconds(text) else {
                reject(exchange, DecodeFailure(.orderMalformed, "a grpc-timeout that is none"))
                return false
            }
            let (deadline, overflow) = exchange.pointee.headAt.addingReportingOverflow(timeout)
            exchange.pointee.deadline = overflow ? .max : deadline
            if !overflow { setTimer(exchange, at: deadline) }
        }
        return true
    }

    /// `application/grpc`, alone or followed by `+` or `;`.
    static func isGRPC(_ type: UnsafeRawBufferPointer) -> Bool {
        let name: StaticString = "application/grpc"
        guard type.starts(with: name) else { return false }
        guard type.count > name.utf8CodeUnitCount else { return true }
        let next = type[name.utf8CodeUnitCount]
        return next == UInt8(ascii: "+") || next == UInt8(ascii: ";")
    }

    func framingLimits(_ exchange: Exchange.Pointer) -> GRPCFraming.Limits {
        GRPCFraming.Limits(
            maximumSize: configuration.maximumOrderBytes, takesUnreadable: exchange.pointee.action == .cancel)
    }

    /// The request's fields as the decoder takes them; valid until the next call.
    func headerFields(of exchange: Exchange.Pointer) -> HeaderFields {
        let head = exchange.pointee.requestHead
        for index in 0..<head.count {
            headerFields[index] = HeaderField(name: head.name(index), value: head.value(index))
        }
        return HeaderFields(UnsafeBufferPointer(start: headerFields, count: head.count))
    }

    /// Reads the one order of a call. False: the call was answered.
    func readOrder(
        _ exchange: Exchange.Pointer, _ message: UnsafeRawBufferPointer, _ headers: HeaderFields
    ) -> Bool {
        var read = BatchOrder()
        let decoding = decoder.decodeOrder(method: Int(exchange.pointee.method), message: message, headers: headers)
        if let failure = adopt(decoding, &read, of: exchange) {
            reject(exchange, failure)
            return false
        }
        exchange.pointee.order = read.order
        exchange.pointee.clientOrderIDText = read.clientOrderIDText
        exchange.pointee.replaces = read.replaces
        return true
    }

    /// Turns what was read into what the engine judges. nil: the order is there; else why it cannot be.
    func adopt(
        _ decoding: OrderDecoding, _ order: inout BatchOrder, of exchange: Exchange.Pointer
    ) -> DecodeFailure? {
        switch decoding {
        case .order(let decoded):
            identityFailure(exchange, account: decoded.account, strategy: decoded.strategy)
                ?? adopt(decoded, &order)
        case .replace(let decoded): adopt(decoded, &order, of: exchange)
        case .refused(let failure): failure
        }
    }

    private func adopt(_ decoded: DecodedOrder, _ order: inout BatchOrder) -> DecodeFailure? {
        let accountLookup = engine.account(decoded.account)
        guard let account = accountLookup.id else {
            countRefused(accountLookup, .account)
            return accountLookup.failure("an account that differs from a known one in letter case")
        }
        let symbolLookup = engine.symbol(decoded.symbol)
        guard let symbol = symbolLookup.id else {
            countRefused(symbolLookup, .symbol)
            return symbolLookup.failure("a symbol that differs from a known one in letter case")
        }
        let strategyLookup = engine.strategy(decoded.strategy)
        guard let strategy = strategyLookup.id else {
            countRefused(strategyLookup, .strategy)
            return strategyLookup.failure("a strategy that differs from a known one in letter case")
        }
        let timeInForceLookup = engine.timeInForce(decoded.timeInForce)
        guard let timeInForce = timeInForceLookup.id else {
            countRefused(timeInForceLookup, .timeInForce)
            return timeInForceLookup.failure("an unknown time in force")
        }
        order.clientOrderIDText = NameText(whole: decoded.clientOrderID)
        order.order = Order(
            account: account, strategy: strategy, symbol: symbol, timeInForce: timeInForce, side: decoded.side,
            type: decoded.type, reduceOnly: decoded.reduceOnly, mayBeMarket: decoded.typeIsByPrice,
            quantity: decoded.quantity, price: decoded.price,
            stopPrice: decoded.stopPrice,
            clientOrderID: decoded.clientOrderID.isEmpty ? .none : engine.digest(decoded.clientOrderID))
        return nil
    }

    /// Counts an order that brings one name too many: names are kept for good, and no number is given twice.
    private func countRefused(_ lookup: NameLookup, _ kind: NameKindLabel) {
        if lookup == .tableFull { metrics.refusedNames.add(kind) }
    }

    /// Takes from a cancel whose it is, as far as it can be read: a cancel that cannot be read passes all the same.
    /// Returned: why its sender may not send it.
    func readCancel(
        _ exchange: Exchange.Pointer, _ message: UnsafeRawBufferPointer, _ headers: HeaderFields
    ) -> DecodeFailure? {
        switch decoder.decodeCancel(method: Int(exchange.pointee.method), message: message, headers: headers) {
        case .cancel(let cancel):
            if let failure = identityFailure(exchange, cancelOf: cancel.account) { return failure }
            exchange.pointee.order.account = engine.account(cancel.account).id ?? .none
            exchange.pointee.order.strategy = engine.strategy(cancel.strategy).id ?? .none
            exchange.pointee.order.symbol = engine.symbol(cancel.symbol).id ?? .none
            exchange.pointee.order.clientOrderID = engine.digest(cancel.clientOrderID)
            exchange.pointee.cancelledOrderID = engine.digest(cancel.orderID)
            exchange.pointee.clientOrderIDText = NameText(cancel.clientOrderID)
            exchange.pointee.orderIDText = NameText(cancel.orderID)
        case .unreadable:
            let nobody = UnsafeRawBufferPointer(start: nil, count: 0)
            if let failure = identityFailure(exchange, cancelOf: nobody) { return failure }
            metrics.unreadableCancels.add()
        }
        return nil
    }
}

extension NameLookup {
    /// The number of a name that may be used.
    var id: NameID? {
        switch self {
        case .known(let id), .new(let id): id
        case .caseConflict, .tableFull: nil
        }
    }

    func failure(_ conflict: StaticString) -> DecodeFailure {
        switch self {
        case .tableFull: DecodeFailure(.stateUnavailable, "more names than Gate keeps")
        case .known, .new, .caseConflict: DecodeFailure(.orderMalformed, conflict)
        }
    }
}
