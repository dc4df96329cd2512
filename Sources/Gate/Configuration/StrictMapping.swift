package import RiskRules

/// Reads the keys of one mapping, each at most once asked for. Whatever is wrong goes to the log and reading goes on:
/// a getter gives the default (or nil) then. `finish()` reports the keys that nobody asked for.
///
///     var limits = StrictMapping(node, path: "limits", log: log)
///     let connections = limits.integer("max_connections", in: 1...65_536, default: 1024)
///     limits.finish()
package struct StrictMapping {
    /// Where the mapping starts.
    package let location: SourceLocation
    /// What messages call it, as `redis.prices`; empty for the root of a file.
    package let path: String
    package let log: ProblemLog
    private let overrides: EnvironmentOverrides?
    private var entries: [String: StrictNode.Entry] = [:]
    private var order: [String] = []
    /// The keys that were asked for, in that order, and the same once more to be found fast.
    private var known: [String] = []
    private var asked: Set<String> = []
    /// Whether a mapping stands here at all: what is missing in one that is none is not worth a word.
    private let isMapping: Bool

    /// The mapping that a node is. Where it is none (or nothing), that is reported and the cursor is empty, and says so.
    package init(_ node: StrictNode, path: String, log: ProblemLog, overrides: EnvironmentOverrides? = nil) {
        location = node.location
        self.path = path
        self.log = log
        self.overrides = overrides
        if case .mapping = node.content { isMapping = true } else { isMapping = false }
        switch node.content {
        case .mapping(let list):
            for entry in list { entries[entry.key.value] = entry }
            order = list.map(\.key.value)
        case .refused:
            break
        case .scalar, .sequence:
            log.report("\(Self.prefix(path))a mapping (key: value) belongs here, found \(node.kind)", at: location)
        }
    }

    /// The keys in the order of the file: for mappings whose keys are data. Whoever reads them asks for each.
    package var keys: [Located<String>] { order.compactMap { entries[$0]?.key } }

    /// What messages call a key of this mapping.
    package func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// Whether the file has the key.
    package func has(_ key: String) -> Bool { entries[key] != nil }

    /// Whether the value of a key is a mapping itself.
    package func isMapping(_ key: String) -> Bool {
        if case .mapping = entries[key]?.value.content { true } else { false }
    }

    /// A key that the mapping has, without its value.
    package mutating func key(_ key: String) -> Located<String>? {
        ask(key)
        return entries[key]?.key
    }

    /// Where the value at the end of these keys stands, or else the innermost of them that the file has.
    package func place(of keys: String...) -> SourceLocation {
        var place = location
        var entries = self.entries
        for key in keys {
            guard let value = entries[key]?.value else { break }
            place = value.location
            guard case .mapping(let inner) = value.content else { break }
            entries = Dictionary(uniqueKeysWithValues: inner.map { ($0.key.value, $0) })
        }
        return place
    }

    private mutating func ask(_ key: String) {
        if asked.insert(key).inserted { known.append(key) }
    }

    private static func prefix(_ path: String) -> String { path.isEmpty ? "" : "\(path): " }

    // MARK: Values

    /// The value of a key, whatever it is; nil where the key is absent, or has no value, which is reported.
    package mutating func node(_ key: String) -> StrictNode? {
        ask(key)
        guard let value = entries[key]?.value else { return nil }
        if value.isNull {
            log.report("\(path(of: key)): a value is missing; write one, or leave the key out", at: value.location)
            return nil
        }
        if case .refused = value.content { return nil }
        return value
    }

    /// A scalar: from the environment where it overrides the key, else from the file.
    private mutating func scalar(_ key: String) -> StrictNode? {
        let written = node(key)
        return overrides?.take(path(of: key)) ?? written
    }

    /// A text as it was written, numbers included. An empty one is reported unless it is allowed.
    package mutating func text(_ key: String, allowsEmpty: Bool = false) -> Located<String>? {
        scalar(key).flatMap { log.text($0, path: path(of: key), allowsEmpty: allowsEmpty) }
    }

    /// A whole number.
    package mutating func integer(_ key: String, in range: ClosedRange<Int>) -> Located<Int>? {
        scalar(key).flatMap { log.integer($0, path: path(of: key), in: range) }
    }

    /// A whole number, or its default where the key is absent.
    package mutating func integer(_ key: String, in range: ClosedRange<Int>, default value: Int) -> Int {
        integer(key, in: range)?.value ?? value
    }

    /// `250ms`, `1s`, `5m`, `1h`, or the default where the key is absent.
    package mutating func duration(
        _ key: String, in range: ClosedRange<Duration>, default value: Duration
    ) -> Duration {
        scalar(key).flatMap { log.duration($0, path: path(of: key), in: range) }?.value ?? value
    }

    /// A decimal above 0 and at most 1, or the default where the key is absent.
    package mutating func fraction(_ key: String, default value: FixedPoint) -> FixedPoint {
        scalar(key).flatMap { log.fraction($0, path: path(of: key)) }?.value ?? value
    }

    /// `true` or `false` and nothing else, or the default where the key is absent.
    package mutating func flag(_ key: String, default value: Bool) -> Bool {
        scalar(key).flatMap { log.flag($0, path: path(of: key)) }?.value ?? value
    }

    /// One of the names of an enumeration, or nil where the key is absent.
    package mutating func choice<Choice>(_ key: String, of type: Choice.Type) -> Located<Choice>?
    where Choice: CaseIterable & RawRepresentable & Sendable, Choice.RawValue == String {
        scalar(key).flatMap { log.choice($0, path: path(of: key), of: type) }
    }

    /// One of the names of an enumeration, or the default where the key is absent.
    package mutating func choice<Choice>(_ key: String, default value: Choice) -> Choice
    where Choice: CaseIterable & RawRepresentable & Sendable, Choice.RawValue == String {
        choice(key, of: Choice.self)?.value ?? value
    }

    /// `host:port | unix:/path`.
    package mutating func address(_ key: String) -> Located<SocketAddress>? {
        scalar(key).flatMap { log.address($0, path: path(of: key)) }
    }

    /// Addresses: a list in the file, or from the environment, where they are separated by commas. nil where the key is absent,
    /// or one of them is none.
    package mutating func addresses(_ key: String) -> [Located<SocketAddress>]? {
        let (written, path) = (list(key), path(of: key))
        var items = written
        if let override = overrides?.take(path) {
            items = log.text(override, path: path)?.value.split(separator: ",", omittingEmptySubsequences: false).map {
                StrictNode(.scalar(text: String($0), isPlain: true), at: override.location)
            }
        }
        let addresses = items?.compactMap { log.address($0, path: path) }
        return addresses?.count == items?.count ? addresses : nil
    }

    /// Whether the environment gives the key.
    package func isOverridden(_ key: String) -> Bool { overrides?.names(path(of: key)) == true }

    /// The items of a list; nil where the key is absent.
    package mutating func list(_ key: String) -> [StrictNode]? {
        node(key).flatMap { log.list($0, path: path(of: key)) }
    }

    /// A list of texts; nil where the key is absent.
    package mutating func texts(_ key: String) -> [Located<String>]? {
        list(key)?.compactMap { log.text($0, path: path(of: key)) }
    }

    /// A mapping inside this one; nil where the key is absent.
    package mutating func mapping(_ key: String) -> StrictMapping? {
        node(key).map { StrictMapping($0, path: path(of: key), log: log, overrides: overrides) }
    }

    /// A mapping inside this one, empty where the key is absent: for sections whose keys all have defaults or
    /// overrides.
    package mutating func section(_ key: String) -> StrictMapping {
        mapping(key)
            ?? StrictMapping(
                StrictNode(.mapping([]), at: location), path: path(of: key), log: log, overrides: overrides)
    }

    // MARK: Judgements

    /// Reports a needed key that the file does not have. One that is there without a value was reported already.
    package func require(_ keys: String...) {
        for key in keys where isMapping && !has(key) && overrides?.names(path(of: key)) != true {
            log.report("\(Self.prefix(path))the key \(key) is missing and needed", at: location)
        }
    }

    /// Reports each of the keys that stands here as known and not yet supported.
    package mutating func refuseUnsupported(_ keys: String...) {
        for key in keys {
            ask(key)
            guard let entry = entries[key] else { continue }
            log.report("\(path(of: key)): not yet supported by this version; leave it out", at: entry.key.location)
        }
    }

    /// Reports every key that was not asked for, with what it may have meant and the keys that there are.
    package func finish() {
        for key in keys where !asked.contains(key.value) {
            var message = "\(Self.prefix(path))unknown key \(quoted(key.value))"
            if !log.isFull {
                if let meant = Suggestion.closest(to: key.value, among: known) { message += "; did you mean \(meant)?" }
                message += " (known keys: \(known.joined(separator: ", ")))"
            }
            log.report(message, at: key.location)
        }
    }
}
