/// Why a value in Redis is not taken: a sentence for the log that names the field and what belongs there.
package struct RefusedValue: Error, Equatable, CustomStringConvertible {
    package let reason: String
    package init(_ reason: String) { self.reason = reason }
    package var description: String { reason }
}
