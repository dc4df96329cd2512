package import RiskRules

/// A decision on an order with all that it was taken on. Numbers that were not known are nil.
package struct JournalDecision: JournalRecord {
    package struct Flags: OptionSet, BitwiseCopyable {
        package let rawValue: UInt16
        package init(rawValue: UInt16) { self.rawValue = rawValue }
        package static let approved = Flags(rawValue: 1)
        /// The order was proved to reduce risk.
        package static let reducing = Flags(rawValue: 2)
        /// Gate-wide shadow mode: forwarded whatever was decided.
        package static let shadow = Flags(rawValue: 4)
        /// Decided a second time, because the endpoint had not processed it.
        package static let again = Flags(rawValue: 8)
        /// One of a batch.
        package static let batch = Flags(rawValue: 16)
        package static let replace = Flags(rawValue: 32)
        /// Decided, and then refused for a reason that is not the rules' (`reason`).
        package static let refusedLater = Flags(rawValue: 64)
        /// Refused before any rule saw it, or counted it.
        package static let undecided = Flags(rawValue: 128)
    }

    static let kind = JournalKind.decision

    package var decisionID: UInt64 = 0
    package var flags: Flags = []
    /// Why it was refused.
    package var reason = JournalReason.none
    /// The number of the reservation that was made for it; 0: none.
    package var reservation: UInt64 = 0
    /// Its place in a batch.
    package var index: UInt16 = 0
    package var connection: UInt32 = 0
    package var order = Order.none
    /// Of a replace: what it takes the place of.
    package var replaces = OrderReference(orderID: .none, clientOrderID: .none)

    /// Of the symbol's price as the mirror had it.
    package var mark: FixedPoint?
    package var bid: FixedPoint?
    package var ask: FixedPoint?
    /// Nanoseconds; -1 where the decision looked at none.
    package var priceAge: Int64 = -1
    package var accountAge: Int64 = -1
    /// Of the account in the symbol, and what works there, in flight included.
    package var position: FixedPoint?
    package var openBuys: FixedPoint?
    package var openSells: FixedPoint?
    /// Of the account's snapshot.
    package var equity: FixedPoint?
    package var marginUsed: FixedPoint?
    package var availableMargin: FixedPoint?
    package var sequence: Int64?

    /// `p*` of reference/controls.md: what the order was taken to cost.
    package var price: FixedPoint?
    /// What an approval added to the sums of its windows.
    package var notional: FixedPoint?
    /// From the start of decoding to the verdict, nanoseconds.
    package var duration: Int64 = 0
    /// Violations that were not listed.
    package var omitted: UInt32 = 0
    /// The client's order id; of its bytes the first 64.
    package var clientOrderID = RecordText()

    /// By the order in which `JournalWriter.rules` was told of them; filled in by the writer.
    package internal(set) var ruleSet: UInt32 = 0
    /// How many `JournalViolation`s stand behind the fixed fields; filled in by the writer.
    package internal(set) var violations: UInt16 = 0

    package init() {}

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.integer(&decisionID)
        codec.integer(&reservation)
        var bits = flags.rawValue
        codec.integer(&bits)
        flags = Flags(rawValue: bits)
        codec.integer(&index)
        codec.integer(&ruleSet)
        codec.integer(&connection)
        codec.integer(&violations)
        codec.integer(&reason.number)
        codec.order(&order)
        codec.reference(&replaces)
        codec.number(&mark)
        codec.number(&bid)
        codec.number(&ask)
        codec.integer(&priceAge)
        codec.integer(&accountAge)
        codec.number(&position)
        codec.number(&openBuys)
        codec.number(&openSells)
        codec.number(&equity)
        codec.number(&marginUsed)
        codec.number(&availableMargin)
        codec.integer(&sequence)
        codec.number(&price)
        codec.number(&notional)
        codec.integer(&duration)
        codec.integer(&omitted)
        codec.length(of: &clientOrderID)
    }
}

/// One violation of a decision, behind its fixed fields.
struct JournalViolation: BitwiseCopyable {
    var reason = JournalReason.none
    var severity = Severity.hard
    var mode = RuleMode.enforce
    var boundIsMax = false
    /// Index in the rule set; -1 for a built-in check.
    var rule: Int32 = -1
    var value: FixedPoint?
    var bound: FixedPoint?

    static let size = 40

    init() {}

    init(_ violation: Violation) {
        reason = JournalReason(violation.reason)
        severity = violation.severity
        mode = violation.mode
        boundIsMax = violation.boundIsMax
        rule = violation.rule
        value = violation.hasValue ? violation.value : nil
        bound = violation.hasBound ? violation.bound : nil
    }

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.integer(&reason.number)
        codec.choice(&severity)
        codec.choice(&mode)
        codec.flag(&boundIsMax)
        codec.integer(&rule)
        codec.number(&value)
        codec.number(&bound)
    }
}

/// A reason as records name it: by a number whose code a `name` record before it says, because a build's own numbers are
/// no other build's.
package struct JournalReason: Hashable, BitwiseCopyable {
    var number: UInt8

    package static let none = JournalReason(nil)
    package init(_ reason: Reason?) { number = reason?.rawValue ?? .max }
}

extension RecordCodec {
    mutating func order(_ order: inout Order) {
        name(&order.account)
        name(&order.strategy)
        name(&order.symbol)
        name(&order.timeInForce)
        choice(&order.side)
        choice(&order.type)
        flag(&order.reduceOnly)
        flag(&order.mayBeMarket)
        number(&order.quantity)
        number(&order.price)
        number(&order.stopPrice)
        digest(&order.clientOrderID)
    }
}
