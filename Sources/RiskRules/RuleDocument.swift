/// Where a thing stands in a file: the file's name as it was given, line and column from 1.
package struct SourceLocation: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var file: String
    package var line: Int
    package var column: Int
    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }
    package var description: String { "\(file):\(line):\(column)" }
    package static func < (left: Self, right: Self) -> Bool {
        (left.file, left.line, left.column) < (right.file, right.line, right.column)
    }
}

/// A value and where it was written.
package struct Located<Value: Sendable>: Sendable {
    package var value: Value
    package var location: SourceLocation
    package init(_ value: Value, at location: SourceLocation) {
        self.value = value
        self.location = location
    }
}

extension Located: Equatable where Value: Equatable {}

/// One problem of a file that a person wrote: where it is, what is wrong, and what to write instead.
/// Printed as `file:line:column: message`.
package struct Problem: Error, Hashable, Comparable, Sendable, CustomStringConvertible {
    package var location: SourceLocation
    package var message: String
    package init(_ message: String, at location: SourceLocation) {
        self.location = location
        self.message = message
    }
    package var description: String { "\(location): \(message)" }
    package static func < (left: Self, right: Self) -> Bool {
        (left.location, left.message) < (right.location, right.message)
    }
}

/// What one rule file says, read but not judged: scalars are still the text that was written, so that numbers stay
/// exact and every problem can point at its place. `RuleCompiler` gives it meaning.
package struct RuleDocument: Sendable {
    package typealias Text = Located<String>

    /// A number as it was written, or another scalar where a number belongs.
    package struct Rule: Sendable {
        package var location: SourceLocation
        package var id: Text?
        package var description: Text?
        package var severity: Text?
        package var metric: Text?
        package var max: Text?
        package var min: Text?
        package var window: Text?
        package var per: Text?
        package var allow: [Text]?
        package var deny: [Text]?
        package var appliesTo: AppliesTo?
        package var stop: Text?
        package var mode: Text?
        package var onMissing: Text?
        package var exemptReducing: Text?
        package var confidence: Text?
        package var method: Text?
        package var share: Text?
        package var scale: Scale?
        package var active: Active?
        package var rollout: Text?
        package init(location: SourceLocation) {
            self.location = location
        }
    }
    /// What makes a bound smaller.
    package struct Scale: Sendable {
        package var location: SourceLocation
        package var by: Text?
        package var window: Text?
        package var reference: Text?
        package var floor: Text?
        package init(location: SourceLocation) { self.location = location }
    }
    package struct AppliesTo: Sendable {
        package var location: SourceLocation
        package var accounts: [Text] = []
        package var strategies: [Text] = []
        package var symbols: [Text] = []
        package var sides: [Text] = []
        package var types: [Text] = []
        package init(location: SourceLocation) { self.location = location }
    }
    /// When a rule is in force.
    package struct Active: Sendable {
        package var location: SourceLocation
        package var days: [Text]?
        package var from: Text?
        package var to: Text?
        package var timezone: Text?
        package init(location: SourceLocation) { self.location = location }
    }
    package struct Instrument: Sendable {
        package var location: SourceLocation
        package var symbol: Text?
        package var tickSize: Text?
        package var lotSize: Text?
        package var minQuantity: Text?
        package var maxQuantity: Text?
        package var minNotional: Text?
        package var contractMultiplier: Text?
        package var initialMargin: Text?
        package init(location: SourceLocation) { self.location = location }
    }
    /// An embedded example: an account and prices, an order, and what must become of it.
    package struct Example: Sendable {
        package var location: SourceLocation
        package var name: Text?
        /// nil: the account has no snapshot.
        package var account: ExampleAccount?
        package var prices: [(symbol: Text, price: Text)] = []
        /// Prices that are given as bid and ask.
        package var quotes: [ExampleQuote] = []
        package var order: ExampleOrder?
        /// The instant at which the order is decided.
        package var at: Text?
        package var expect: Text?
        package init(location: SourceLocation) { self.location = location }
    }
    package struct ExampleQuote: Sendable {
        package var symbol: Text
        package var location: SourceLocation
        package var bid: Text?
        package var ask: Text?
        package init(symbol: Text, location: SourceLocation) {
            self.symbol = symbol
            self.location = location
        }
    }
    package struct ExampleAccount: Sendable {
        package var location: SourceLocation
        package var id: Text?
        /// `equity`, `balance`, `unrealized_pnl`, `margin_used`, `available_margin`, `peak_equity`, `daily_start_equity`.
        package var amounts: [(key: Text, value: Text)] = []
        /// Absent positions mean none here: an example states all it needs.
        package var positions: [ExamplePosition] = []
        package var pendingOrders: [ExamplePendingOrder] = []
        /// nil: missing.
        package var returns: [Text]?
        package init(location: SourceLocation) { self.location = location }
    }
    package struct ExamplePosition: Sendable {
        package var location: SourceLocation
        package var symbol: Text?
        package var side: Text?
        package var quantity: Text?
        package var currentPrice: Text?
        package init(location: SourceLocation) { self.location = location }
    }
    package struct ExamplePendingOrder: Sendable {
        package var location: SourceLocation
        package var symbol: Text?
        package var side: Text?
        package var quantity: Text?
        package var price: Text?
        package init(location: SourceLocation) { self.location = location }
    }
    package struct ExampleOrder: Sendable {
        package var location: SourceLocation
        package var account: Text?
        package var strategy: Text?
        package var symbol: Text?
        package var side: Text?
        package var type: Text?
        package var timeInForce: Text?
        package var quantity: Text?
        package var price: Text?
        package var stopPrice: Text?
        package var reduceOnly: Text?
        package init(location: SourceLocation) { self.location = location }
    }

    package var file: String
    package var rules: [Rule] = []
    package var instruments: [Instrument] = []
    package var examples: [Example] = []
    package init(file: String) { self.file = file }
}
