/// The ledger as other threads see it: each call is carried out on the order thread and returns when it is done there.
package struct AccountService: AccountControl {
    private let orders: LoopHandle<OrderPath>

    package init(orders: LoopHandle<OrderPath>) {
        self.orders = orders
    }

    package func account(_ name: String) async -> AccountView? {
        await withCheckedContinuation { continuation in
            orders.execute { continuation.resume(returning: $0.view(ofAccount: name)) }
        }
    }

    package func settle(_ settlement: OperatorSettlement) async throws(SettlementError) -> ReservationView {
        let result = await withCheckedContinuation { continuation in
            orders.execute { path in
                continuation.resume(
                    returning: Result { () throws(SettlementError) in try path.settle(settlement) })
            }
        }
        return try result.get()
    }
}
