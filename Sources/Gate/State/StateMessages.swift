package import RiskRules

/// What the state thread tells the order thread. Trivially copyable; references travel retained in `object` and are
/// released by the receiver.
package struct StateUpdate: BitwiseCopyable {
    package enum Kind: UInt8, BitwiseCopyable {
        /// `quote` of the symbol `name`.
        case price
        /// `object` is an `AccountSnapshot` of the account `name`.
        case account
        /// The account's key is gone.
        case accountAbsent
        /// The account's value was refused.
        case accountRefused
        /// Prices count as confirmed alive until `until` (monotonic nanoseconds); 0: the link is down.
        case pricesLink
        /// The same for accounts.
        case accountsLink
        /// `object` is a `PublishedRules`: decide by it from now on.
        case rules
        /// A stop or its end is in force: `object` is a `StopNote`, to be written down.
        case stopRecord
        /// A step of an unwinding: `object` is a `TextNote`, to be written down.
        case unwindNote
        /// What another Gate, which `source` stands for, let through of the account `text`: `object` is a
        /// `ForeignReservations` that counts until `until`, or nil.
        case foreign
        /// Whether no other Gate is connected to this one's Redis: `flag`.
        case alone
        /// A stop of `scope` was latched (`flag` true) or lifted; `text` holds the name in the scope, empty for global.
        case stop
    }

    package var kind: Kind
    package var flag: Bool
    package var scope: StopScope
    package var name: NameID
    package var until: Int64
    package var quote: PriceQuote
    package var object: UnsafeMutableRawPointer?
    package var text: NameText
    package var source: UInt64

    package init(kind: Kind, name: NameID = .none) {
        self.kind = kind
        self.name = name
        flag = false
        scope = .global
        until = 0
        quote = .unfetched
        object = nil
        text = NameText()
        source = 0
    }

    /// Lets go of what travels in one that nobody will take.
    func discard() {
        if let object { Unmanaged<AnyObject>.fromOpaque(object).release() }
    }
}

/// What the order thread asks of the state thread, or gives it to write down.
package struct StateRequest: BitwiseCopyable {
    package enum Kind: UInt8, BitwiseCopyable {
        /// Mirror the price of the symbol `text`, known on the order thread as `name`.
        case watchSymbol
        /// Mirror the account `text`, known on the order thread as `name`.
        case watchAccount
        /// Mirror the price of the symbol `text` no more.
        case unwatchSymbol
        /// Mirror the account `text` no more.
        case unwatchAccount
        /// There was no room in the mirror for `text`: one line in the log.
        case turnedAway
        /// An emergency rule tripped: latch a stop of `scope` and the name in `text` (empty for global), for the reason in `reject`.
        case latchStop
        /// The circuit breaker tripped: latch a stop of `scope` and the name in `text`, for the reason in `breaker`.
        case tripBreaker
        /// The monitor looked at an account: `report` is a retained `MonitorReport`.
        case monitor
        /// What is reserved of the account `text` in the symbol `reject.symbol` is `reserved`; `reservedAccount` follows.
        case reservedSymbol
        /// All symbols of the account `text` were told, and its margin is `reservedMargin`.
        case reservedAccount
        /// An order was refused: one line in the log.
        case reject
        /// `rules` are no longer in force: let go of them, which takes time with many.
        case retire
    }

    package var kind: Kind
    package var scope: StopScope
    package var name: NameID
    package var text: NameText
    package var reject: RejectRecord
    package var breaker: BreakerTrip
    package var report: UnsafeMutableRawPointer?
    package var reserved: ReservedSums
    package var reservedMargin: ReservedMargin
    /// A retained `PublishedRules`, or nil; the receiver releases it.
    package var rules: UnsafeMutableRawPointer?

    package init(kind: Kind, name: NameID = .none) {
        self.kind = kind
        self.name = name
        scope = .global
        text = NameText()
        reject = RejectRecord()
        breaker = BreakerTrip(cause: .violations, count: 0, window: 0)
        report = nil
        reserved = ReservedSums()
        reservedMargin = ReservedMargin()
        rules = nil
    }
}

/// What tripped the circuit breaker.
package struct BreakerTrip: BitwiseCopyable, Sendable {
    package var cause: BreakerCause
    /// How many there were within the window.
    package var count: UInt32
    /// Nanoseconds.
    package var window: Int64

    package init(cause: BreakerCause, count: UInt32, window: Int64) {
        self.cause = cause
        self.count = count
        self.window = window
    }
}

/// A text on its way to the journal.
package final class TextNote: Sendable {
    let text: String

    init(_ text: String) { self.text = text }
}

/// A name of at most 64 bytes, in place.
package struct NameText: BitwiseCopyable {
    package static let capacity = 64
    package var bytes: InlineArray<64, UInt8>
    package var count: UInt8

    package init() {
        bytes = InlineArray(repeating: 0)
        count = 0
    }

    /// Keeps the first 64 bytes.
    package init(_ source: UnsafeRawBufferPointer) {
        bytes = InlineArray(repeating: 0)
        count = UInt8(min(source.count, Self.capacity))
        var index = 0
        while index < Int(count) {
            bytes[index] = source[index]
            index += 1
        }
    }

    /// Calls `body` with the bytes.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeBytes(of: bytes) { body(UnsafeRawBufferPointer(rebasing: $0[..<Int(count)])) }
    }

    package var string: String {
        var scalars: [UInt8] = []
        for index in 0..<Int(count) { scalars.append(bytes[index]) }
        return String(decoding: scalars, as: UTF8.self)
    }
}

/// What is written down of a refused order until there is a journal.
package struct RejectRecord: BitwiseCopyable {
    package var decisionID: UInt64 = 0
    /// Unix nanoseconds.
    package var at: Int64 = 0
    package var reason: Reason = .internal
    /// The first blocking rule in the rule set, -1 for a built-in check.
    package var rule: Int32 = -1
    package var hasValue = false
    package var hasBound = false
    package var value: FixedPoint = .zero
    package var bound: FixedPoint = .zero
    package var hasOrder = false
    package var side: Side = .buy
    package var type: OrderType = .market
    package var quantity: FixedPoint = .zero
    package var price: FixedPoint = .zero
    package var account = NameText()
    package var strategy = NameText()
    package var symbol = NameText()
    package var clientOrderID = NameText()
    /// Whose connection it came on: an address, or `uid N`.
    package var client = NameText()
    /// The rule set that decided: a retained `PublishedRules`, or nil; the receiver releases it.
    package var rules: UnsafeMutableRawPointer?
    package init() {}
}
