import RiskRules

/// Reads orders and cancels straight from protobuf's wire bytes along a `DecodePlan`.
///
/// Belongs to one thread. Allocates when it is made and never again; what it returns points into the message, the headers,
/// the plan and its own scratch memory, and is valid until the next call.
package final class OrderDecoder {
    private let plan: DecodePlan
    private let tables: PlanTables
    private let slots: UnsafeMutablePointer<WireValue>
    private let scratch: UnsafeMutableRawBufferPointer

    package init(plan: DecodePlan) {
        self.plan = plan
        self.tables = plan.tables
        self.slots = .allocate(capacity: MessageReader.slotCount)
        self.slots.initialize(
            repeating: WireValue(bits: 0, bytes: .empty), count: MessageReader.slotCount)
        self.scratch = .allocate(byteCount: SourceReader.scratchSize, alignment: 1)
    }

    deinit {
        slots.deallocate()
        scratch.deallocate()
    }

    /// Reads one order. `method` is the index of a `create` in the plan; `message` is without the gRPC prefix.
    package func decodeOrder(
        method: Int, message: UnsafeRawBufferPointer, headers: HeaderFields
    ) -> OrderDecoding {
        var reader = SourceReader(tables, slots: slots, scratch: scratch, headers: headers)
        // The plan of a request is large: it is looked at where it stands.
        if reader.walk(message, node: tables.methods[method].request.node),
            let order = Self.order(tables.methods[method].request, &reader)
        {
            return .order(order)
        }
        return .refused(reader.failure ?? DecodeFailure(.internal, "an order that is neither read nor refused"))
    }

    /// Reads one cancel. `method` is the index of a `cancel` in the plan.
    package func decodeCancel(
        method: Int, message: UnsafeRawBufferPointer, headers: HeaderFields
    ) -> CancelDecoding {
        let request = tables.methods[method].request
        var reader = SourceReader(tables, slots: slots, scratch: scratch, headers: headers)
        if reader.walk(message, node: request.node) {
            let cancel = DecodedCancel(
                orderID: reader.identifier(request.orderID), clientOrderID: reader.identifier(request.clientOrderID),
                account: reader.name(request.account), strategy: reader.name(request.strategy),
                symbol: reader.name(request.symbol, folds: request.foldsSymbol))
            guard let failure = reader.failure else { return .cancel(cancel) }
            return .unreadable(failure)
        }
        return .unreadable(reader.failure ?? DecodeFailure(.internal, "a cancel that is neither read nor refused"))
    }

    /// The order, or nil with the reader's `failure` set.
    private static func order(_ request: RequestPlan, _ reader: inout SourceReader) -> DecodedOrder? {
        let account = reader.name(request.account)
        if account.isEmpty { reader.fail(.orderMalformed, "no account", request.account) }
        let strategy = reader.name(request.strategy)
        let symbol = reader.name(request.symbol, folds: request.foldsSymbol)
        if symbol.isEmpty { reader.fail(.orderMalformed, "no symbol", request.symbol) }
        let side = reader.choice(request.side).flatMap(Side.init(rawValue:))
        if side == nil { reader.fail(.orderMalformed, "no side", request.side) }
        let quantity = reader.number(request.quantity) ?? FixedPoint(units: 0)
        if quantity.units == 0 { reader.fail(.orderMalformed, "no quantity, or zero", request.quantity) }
        let clientOrderID = reader.identifier(request.clientOrderID)
        let timeInForce = reader.timeInForce(request.timeInForce)
        let reduceOnly = reader.choice(request.reduceOnly) == 1
        let stopPrice = reader.number(request.stopPrice) ?? FixedPoint(units: 0)

        let (type, typeIsByPrice) = Self.type(request, stopPrice: stopPrice, &reader)
        guard let type, let side, reader.failure == nil else { return nil }
        var price = FixedPoint(units: 0)
        if type.hasLimitPrice {
            price = reader.number(request.price) ?? FixedPoint(units: 0)
            if price.units == 0 {
                reader.fail(.orderMalformed, "no price, or zero, on an order that needs one", request.price)
            }
        }
        if type.hasStopPrice, stopPrice.units == 0 {
            reader.fail(.orderMalformed, "no stop price, or zero, on a stop order", request.stopPrice)
        }
        guard reader.failure == nil else { return nil }
        return DecodedOrder(
            account: account, strategy: strategy, symbol: symbol, timeInForce: timeInForce,
            clientOrderID: clientOrderID, side: side, type: type, typeIsByPrice: typeIsByPrice,
            reduceOnly: reduceOnly, quantity: quantity, price: price,
            stopPrice: type.hasStopPrice ? stopPrice : FixedPoint(units: 0))
    }

    /// The type that the order names, or else the mapping's default; nil with `failure` set where there is neither.
    private static func type(
        _ request: RequestPlan, stopPrice: FixedPoint, _ reader: inout SourceReader
    ) -> (OrderType?, byPrice: Bool) {
        if let type = reader.choice(request.type).flatMap(OrderType.init(rawValue:)) { return (type, false) }
        switch request.defaultType {
        case nil:
            reader.fail(.orderMalformed, "no order type", request.type)
            return (nil, false)
        case .limit:
            return (.limit, false)
        case .market:
            return (.market, false)
        case .byPrice:
            // Whether the endpoint would make a stop order of it, nobody said.
            guard stopPrice.units == 0 else {
                reader.fail(.orderMalformed, "a stop price on an order that names no type", request.stopPrice)
                return (nil, false)
            }
            let price = reader.number(request.price) ?? FixedPoint(units: 0)
            return price.units == 0 ? (.market, false) : (.limit, true)
        }
    }
}
