import CLinux
import RiskRules

/// Answers that pass and tell what became of orders: they are read beside their way to the client, which they go on untouched.
extension OrderPath {
    /// Orders that one message may tell of.
    static let maximumObservedItems = 4096

    /// Whether an answer that has just begun is to be read in passing.
    func mayObserve(_ exchange: Exchange.Pointer) -> Bool {
        guard exchange.pointee.action == .pass, exchange.pointee.method >= 0,
            plan.method(Int(exchange.pointee.method)).observes,
            let type = exchange.pointee.responseHead.first("content-type")
        else { return false }
        return Self.isGRPC(type)
    }

    /// Reads the messages that end in these bytes. What makes Gate keep too much is passed over: an answer is never held up, nor
    /// its client shed, for being read.
    func observe(_ exchange: Exchange.Pointer, _ bytes: UnsafeRawBufferPointer) {
        let room = configuration.http2.bufferedBytes / 2 - keptBytes
        let limit = min(configuration.maximumObservedBytes, max(0, room))
        var rest = bytes
        while let found = exchange.pointee.passing.next(&rest, gathered: &exchange.pointee.answer, limit: limit) {
            switch found {
            case .message(let message): observe(message, method: Int(exchange.pointee.method))
            case .passedOver(.compressed): metrics.observedMessages.add(.compressed)
            case .passedOver(.tooLarge): metrics.observedMessages.add(.tooLarge)
            case .passedOver(.unreadable): metrics.observedMessages.add(.unreadable)
            }
        }
        account(exchange)
    }

    private func observe(_ message: UnsafeRawBufferPointer, method: Int) {
        guard plan.method(method).answersEach else {
            metrics.observedMessages.add(
                observe(observer.decode(method: method, message: message)) ? .read : .unreadable)
            return
        }
        guard let count = observer.decodeEach(method: method, message: message) else {
            metrics.observedMessages.add(.unreadable)
            return
        }
        var isRead = true
        for index in 0..<count where !observe(observer.item(index, method: method)) { isRead = false }
        metrics.observedMessages.add(isRead ? .read : .unreadable)
    }

    /// Tells the ledger what an answer says of one order. False: it cannot be read.
    private func observe(_ answer: OrderAnswer) -> Bool {
        guard let status = OrderStatus(answer.outcome) else { return false }
        guard !answer.orderID.isEmpty || !answer.clientOrderID.isEmpty else { return true }
        var account = NameID.none
        if !answer.account.isEmpty {
            // Of an account that never had a name here nothing was let through.
            guard let known = engine.knownAccount(answer.account) else { return true }
            account = known
        }
        let isNews = engine.observed(
            orderID: engine.digest(answer.orderID), clientOrderID: engine.digest(answer.clientOrderID),
            account: account,
            status: status, filled: answer.filled, now: loop.now, wallNow: gate_realtime_ns())
        guard isNews else { return true }
        metrics.observedNews.add()
        recordOutcome(of: 0, .observed, filled: answer.filled, orderID: answer.orderID)
        return true
    }
}

extension OrderStatus {
    /// nil where an answer says nothing.
    init?(_ outcome: OrderAnswer.Outcome) {
        switch outcome {
        case .accepted: self = .accepted
        case .rejected: self = .rejected
        case .ended: self = .ended
        case .unreadable: return nil
        }
    }
}
