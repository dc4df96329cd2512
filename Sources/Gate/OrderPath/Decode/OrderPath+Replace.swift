import RiskRules

/// From what a replace says, and what is known of its original, to the order that it makes.
extension OrderPath {
    /// nil: the order is there; else why it cannot be. What the message leaves out is taken from the original; what neither
    /// has is missing, as in any order.
    func adopt(
        _ decoded: DecodedReplace, _ order: inout BatchOrder, of exchange: Exchange.Pointer
    ) -> DecodeFailure? {
        let reference = OrderReference(
            orderID: engine.digest(decoded.replaces), clientOrderID: engine.digest(decoded.replacesClientOrderID))
        var account = NameID.none
        if !decoded.account.isEmpty {
            if let failure = identityFailure(exchange, cancelOf: decoded.account) { return failure }
            let lookup = engine.account(decoded.account)
            guard let id = lookup.id else {
                return lookup.failure("an account that differs from a known one in letter case")
            }
            account = id
        }
        let original = engine.original(reference, of: account)
        order.order.account = original?.account ?? account
        order.replaces = reference
        guard order.order.account != .none else { return Self.missing("no account, and the original is not known") }
        if let failure = adoptNames(decoded, original, &order.order) { return failure }
        // Whose order it is may only be known from the original.
        if let failure = identityFailure(
            exchange, account: engine.accountName(order.order.account),
            strategy: engine.strategyName(order.order.strategy))
        {
            return failure
        }
        order.order.clientOrderID =
            decoded.clientOrderID.isEmpty
            ? original?.clientOrderID ?? reference.clientOrderID : engine.digest(decoded.clientOrderID)
        if !decoded.clientOrderID.isEmpty {
            order.clientOrderIDText = NameText(whole: decoded.clientOrderID)
        } else if order.order.clientOrderID == reference.clientOrderID {
            order.clientOrderIDText = NameText(whole: decoded.replacesClientOrderID)
        }
        return adoptTerms(decoded, original, &order.order)
    }

    private func adoptNames(
        _ decoded: DecodedReplace, _ original: OriginalOrder?, _ order: inout Order
    ) -> DecodeFailure? {
        order.symbol = original?.symbol ?? .none
        order.strategy = original?.terms.strategy ?? .none
        order.timeInForce = original?.terms.timeInForce ?? .none
        if !decoded.symbol.isEmpty {
            let lookup = engine.symbol(decoded.symbol)
            guard let id = lookup.id else {
                return lookup.failure("a symbol that differs from a known one in letter case")
            }
            order.symbol = id
        }
        if !decoded.strategy.isEmpty {
            let lookup = engine.strategy(decoded.strategy)
            guard let id = lookup.id else {
                return lookup.failure("a strategy that differs from a known one in letter case")
            }
            order.strategy = id
        }
        if !decoded.timeInForce.isEmpty {
            let lookup = engine.timeInForce(decoded.timeInForce)
            guard let id = lookup.id else { return lookup.failure("an unknown time in force") }
            order.timeInForce = id
        }
        return order.symbol == .none ? Self.missing("no symbol, and the original is not known") : nil
    }

    private func adoptTerms(
        _ decoded: DecodedReplace, _ original: OriginalOrder?, _ order: inout Order
    ) -> DecodeFailure? {
        let terms = original?.terms
        guard let side = decoded.side ?? original?.side else {
            return Self.missing("no side, and the original is not known")
        }
        guard let type = decoded.type ?? terms?.type else {
            return Self.missing("no order type, and that of the original is not known")
        }
        order.side = side
        order.type = type
        order.mayBeMarket = decoded.type == nil && terms?.mayBeMarket == true
        order.reduceOnly = decoded.reduceOnly ?? terms?.reduceOnly ?? false
        order.quantity = decoded.quantity ?? terms?.quantity ?? .zero
        order.price = type.hasLimitPrice ? decoded.price ?? terms?.price ?? .zero : .zero
        order.stopPrice = type.hasStopPrice ? decoded.stopPrice ?? terms?.stopPrice ?? .zero : .zero
        if order.quantity <= .zero { return Self.missing("no quantity, and that of the original is not known") }
        if type.hasLimitPrice, order.price <= .zero {
            return Self.missing("no price, and that of the original is not known")
        }
        if type.hasStopPrice, order.stopPrice <= .zero {
            return Self.missing("no stop price, and that of the original is not known")
        }
        return nil
    }

    private static func missing(_ what: StaticString) -> DecodeFailure { DecodeFailure(.orderMalformed, what) }
}
