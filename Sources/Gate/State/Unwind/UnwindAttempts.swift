import RiskRules

/// How far the unwinding of one stop has come.
package struct UnwindProgress: Hashable, Sendable {
    /// Cancels that the endpoint acknowledged.
    package var ordersCanceled = 0
    /// Positions that were being closed and that a later snapshot no longer shows.
    package var positionsClosed = 0
    /// Unix nanoseconds; nil: not completed.
    package var completedAt: Int64?
    /// What went wrong last, and has not come right yet; nil: nothing.
    package var lastError: String?
    package init() {}

    package var isCompleted: Bool { completedAt != nil }
}

extension UnwindPlan {
    /// The unwinding of one stop.
    struct Unwinding {
        var epoch: Int64
        /// What was acknowledged before is for later snapshots to show.
        var began: Int64
        var progress: UnwindProgress
        var isEnded = false

        init(epoch: Int64, began: Int64, progress: UnwindProgress) {
            self.epoch = epoch
            self.began = began
            self.progress = progress
        }

        var isUnderWay: Bool { !isEnded && !progress.isCompleted }
    }

    /// An order of one account.
    struct OrderKey: Hashable {
        let symbol: String
        /// The endpoint's id, else the client's.
        let id: String

        init(_ order: AccountSnapshot.PendingOrder) {
            symbol = order.symbol
            id = order.orderID ?? order.clientOrderID ?? ""
        }
    }

    /// What a step is about: an order, or the position in a symbol.
    struct Subject {
        let account: String
        let symbol: String
        var order: OrderKey?
    }

    /// What was tried in one account.
    struct History {
        var orders: [OrderKey: Attempts] = [:]
        /// By symbol.
        var positions: [String: Attempts] = [:]
        /// When the last action came to its end.
        var actedAt = Int64.min

        /// Forgets the orders that are gone.
        mutating func keep(orders shown: Set<OrderKey>) {
            orders = orders.filter { shown.contains($0.key) || $0.value.isUnderWay }
        }

        /// For a new unwinding, which tries everything again.
        mutating func renew() {
            for order in orders.keys { orders[order]?.renew() }
            for symbol in positions.keys { positions[symbol]?.renew() }
        }
    }

    /// What was tried on one order or position.
    struct Attempts {
        /// Those that came to nothing, as far as is known.
        var tried = 0
        /// Those in a row that provably did nothing.
        private var failures = 0
        private(set) var isUnderWay = false
        /// The endpoint took one of them.
        private(set) var isDone = false
        /// One of them was taken, or may have been.
        private(set) var mayHaveActed = false
        private(set) var notBefore = Int64.min
        /// A snapshot must have been taken later than this for another; `.min`: any will do.
        private(set) var seenAfter = Int64.min
        /// What there was when the last one began.
        private(set) var size = FixedPoint.zero

        /// With one more under way.
        func begun(on size: FixedPoint) -> Attempts {
            var attempts = self
            attempts.isUnderWay = true
            attempts.size = size
            return attempts
        }

        /// For a new unwinding. What may still be filled stays so.
        mutating func renew() {
            tried = 0
            failures = 0
            notBefore = .min
        }

        /// As it stands once its position is gone.
        func settled() -> Attempts {
            var attempts = self
            attempts.renew()
            attempts.mayHaveActed = false
            attempts.size = .zero
            return attempts
        }

        /// With the outcome of the one under way.
        func resolved(_ outcome: Outcome, _ settings: Settings, unknownAfter: Int64, now: Int64) -> Attempts {
            var attempts = self
            attempts.isUnderWay = false
            switch outcome {
            case .done, .unknown:
                attempts.mayHaveActed = true
                attempts.failures = 0
                attempts.tried += 1
                attempts.notBefore = now + settings.delay(after: attempts.tried)
                attempts.seenAfter = now + (outcome == .done ? settings.settleAfter : unknownAfter)
            case .refused:
                attempts.tried += 1
                attempts.failures += 1
                attempts.notBefore = now + settings.delay(after: attempts.failures)
            case .unsent:
                attempts.failures += 1
                attempts.notBefore = now + settings.delay(after: attempts.failures)
            }
            if outcome == .done { attempts.isDone = true }
            return attempts
        }
    }
}
