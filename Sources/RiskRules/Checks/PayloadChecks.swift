// What an order says of itself: names, steps and sizes. No price and no account is needed.
extension RiskEngine {
    func measurePayload(_ metric: Metric, _ planned: PlannedRule, _ facts: OrderFacts) -> Measure {
        switch metric {
        case .orderQuantity: .amount(facts.order.quantity)
        case .timeInForce: planned.permitted >> UInt64(facts.order.timeInForce.index) & 1 == 1 ? .satisfied : .violated
        default: planned.permitted & UInt64(facts.kind) != 0 ? .satisfied : .violated
        }
    }

    /// The instrument's own bounds, and that there is one.
    func checkInstrument(_ facts: OrderFacts) {
        guard plans.hasInstruments else { return }
        let index = facts.symbol.pointee.instrument
        guard index >= 0 else { return report(.instrumentUnknown) }
        let instrument = plans.instruments + Int(index)
        let order = facts.order
        let tick = instrument.pointee.tickSize
        if tick > .zero {
            if order.type.hasLimitPrice, !order.price.isMultiple(of: tick) {
                report(.priceTickInvalid, value: order.price, bound: tick)
            }
            if order.type.hasStopPrice, !order.stopPrice.isMultiple(of: tick) {
                report(.priceTickInvalid, value: order.stopPrice, bound: tick)
            }
        }
        let lot = instrument.pointee.lotSize
        if lot > .zero, !order.quantity.isMultiple(of: lot) {
            report(.quantityLotInvalid, value: order.quantity, bound: lot)
        }
        if order.quantity < instrument.pointee.minQuantity {
            report(.quantityBelowMinimum, value: order.quantity, bound: instrument.pointee.minQuantity)
        }
        let maximum = instrument.pointee.maxQuantity
        if maximum > .zero, order.quantity > maximum {
            report(.quantityAboveMaximum, value: order.quantity, bound: maximum, boundIsMax: true)
        }
    }
}
