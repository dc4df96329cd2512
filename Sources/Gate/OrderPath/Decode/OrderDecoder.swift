import RiskRules

/// Reads orders and cancels straight from protobuf's wire bytes along a `DecodePlan`.
///
/// Belongs to one thread. Allocates when it is made and never again; what it returns points into the message, the headers,
/// the plan and its own scratch memory, and is valid until the next call.
package final class OrderDecoder {
    private let plan: DecodePlan
    private let tables: PlanTables
    private let memory = DecodeMemory()
    /// The values of a batch that hold for all of its orders.
    private var outer: UInt64 = 0

    /// Orders that one batch may have.
    package static let maximumBatch = MessageReader.itemCapacity

    package init(plan: DecodePlan) {
        self.plan = plan
        self.tables = plan.tables
    }

    /// Reads one order. `method` is the index of a `create` or `replace` in the plan that is no batch; `message` is without
    /// the gRPC prefix.
    package func decodeOrder(
        method: Int, message: UnsafeRawBufferPointer, headers: HeaderFields
    ) -> OrderDecoding {
        // The plan of a request is large: it is looked at where it stands.
        decode(method, message, node: tables.methods[method].request.node, headers, outer: 0)
    }

    /// Reads the list of a batch, whose orders are then read one by one with `order`.
    package func decodeBatch(
        method: Int, message: UnsafeRawBufferPointer, headers: HeaderFields
    ) -> BatchDecoding {
        var reader = SourceReader(tables, memory, headers: headers)
        guard reader.walk(message, node: tables.methods[method].request.node) else {
            return .refused(reader.failure ?? DecodeFailure(.internal, "a batch that is neither read nor refused"))
        }
        guard reader.itemCount > 0 else { return .refused(DecodeFailure(.orderCardinality, "a batch without orders")) }
        guard reader.itemCount <= Self.maximumBatch else {
            return .refused(DecodeFailure(.orderTooLarge, "more than 128 orders in one batch"))
        }
        outer = reader.present
        return .orders(reader.itemCount)
    }

    /// Reads one order of the batch that was read last.
    package func order(_ index: Int, method: Int, headers: HeaderFields) -> OrderDecoding {
        decode(
            method, memory.items[index], node: tables.methods[method].request.itemNode, headers, outer: outer)
    }

    /// The client's id of an order, also of one that cannot be read otherwise; empty where there is none.
    /// - Parameter item: which order of a batch; nil where the message is the order.
    package func clientOrderID(
        method: Int, item: Int?, message: UnsafeRawBufferPointer, headers: HeaderFields
    ) -> UnsafeRawBufferPointer {
        var reader = SourceReader(tables, memory, headers: headers)
        guard reader.walk(message, node: tables.methods[method].request.node) else { return .empty }
        if tables.methods[method].isBatch {
            guard let item, item >= 0, item < min(reader.itemCount, Self.maximumBatch),
                reader.walk(
                    memory.items[item], node: tables.methods[method].request.itemNode, present: reader.present)
            else { return .empty }
        }
        return reader.identifier(tables.methods[method].request.clientOrderID)
    }

    private func decode(
        _ method: Int, _ message: UnsafeRawBufferPointer, node: Int32, _ headers: HeaderFields, outer: UInt64
    ) -> OrderDecoding {
        var reader = SourceReader(tables, memory, headers: headers)
        if reader.walk(message, node: node, present: outer) {
            if tables.methods[method].action == .replace {
                let replace = Self.replace(tables.methods[method].request, &reader)
                if reader.failure == nil { return .replace(replace) }
            } else if let order = Self.order(tables.methods[method].request, &reader) {
                return .order(order)
            }
        }
        return .refused(reader.failure ?? DecodeFailure(.internal, "an order that is neither read nor refused"))
    }

    /// Reads one cancel. `method` is the index of a `cancel` in the plan.
    package func decodeCancel(
        method: Int, message: UnsafeRawBufferPointer, headers: HeaderFields
    ) -> CancelDecoding {
        let request = tables.methods[method].request
        var reader = SourceReader(tables, memory, headers: headers)
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

    /// What a replace says, with the reader's `failure` set where it cannot be used.
    private static func replace(_ request: RequestPlan, _ reader: inout SourceReader) -> DecodedReplace {
        let replace = DecodedReplace(
            replaces: reader.identifier(request.replaces),
            replacesClientOrderID: reader.identifier(request.replacesClientOrderID),
            account: reader.name(request.account), strategy: reader.name(request.strategy),
            symbol: reader.name(request.symbol, folds: request.foldsSymbol),
            timeInForce: reader.timeInForce(request.timeInForce),
            clientOrderID: reader.identifier(request.clientOrderID),
            side: reader.choice(request.side).flatMap(Side.init(rawValue:)),
            type: reader.choice(request.type).flatMap(OrderType.init(rawValue:)),
            reduceOnly: reader.says(request.reduceOnly) ? reader.choice(request.reduceOnly) == 1 : nil,
            quantity: amount(request.quantity, "a quantity of zero", &reader),
            price: amount(request.price, "a price of zero", &reader),
            stopPrice: amount(request.stopPrice, "a stop price of zero", &reader))
        if replace.replaces.isEmpty, replace.replacesClientOrderID.isEmpty {
            let role = reader.isMapped(request.replaces) ? request.replaces : request.replacesClientOrderID
            reader.fail(.orderMalformed, "no id of the order to replace", role)
        }
        return replace
    }

    /// A number that the message gives; nil where it leaves it out.
    private static func amount(
        _ source: SourceID, _ zero: StaticString, _ reader: inout SourceReader
    ) -> FixedPoint? {
        guard reader.says(source), let number = reader.number(source) else { return nil }
        if number == .zero { reader.fail(.orderMalformed, zero, source) }
        return number
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
