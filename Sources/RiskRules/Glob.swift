/// Whole-name matching of patterns in which `*` stands for any characters, none included, and `?` for exactly one.
package enum Glob {
    private static let star = UInt8(ascii: "*")
    private static let question = UInt8(ascii: "?")

    /// Whether a pattern has no wildcard and so names one thing.
    package static func isLiteral(_ pattern: String) -> Bool {
        !pattern.utf8.contains { $0 == star || $0 == question }
    }

    /// Whether a pattern matches every name, the empty one included.
    package static func matchesEverything(_ pattern: String) -> Bool {
        !pattern.isEmpty && pattern.utf8.allSatisfy { $0 == star }
    }

    /// What every name begins with that the pattern matches.
    static func literalPrefix(_ pattern: String) -> Substring {
        pattern.prefix { $0 != "*" && $0 != "?" }
    }

    /// How many characters a name has at least that the pattern matches.
    package static func shortestMatch(_ pattern: String) -> Int {
        pattern.utf8.count { $0 != star }
    }

    /// Whether the pattern matches the whole name. At most pattern times name steps: only the last `*` is tried again, one
    /// character further, since what an earlier one could take more, the last one can. With `foldsCase`, ASCII letters
    /// are equal regardless of case, and the pattern is in lower case.
    package static func matches(
        _ pattern: UnsafeRawBufferPointer, _ name: UnsafeRawBufferPointer, foldsCase: Bool
    ) -> Bool {
        var patternPosition = 0
        var namePosition = 0
        var retryPattern = -1
        var retryName = 0
        while namePosition < name.count {
            if patternPosition < pattern.count {
                let wanted = pattern[patternPosition]
                if wanted == star {
                    patternPosition += 1
                    retryPattern = patternPosition
                    retryName = namePosition
                    continue
                }
                if wanted == question {
                    patternPosition += 1
                    namePosition = nextCharacter(in: name, after: namePosition)
                    continue
                }
                if wanted == (foldsCase ? lowercased(name[namePosition]) : name[namePosition]) {
                    patternPosition += 1
                    namePosition += 1
                    continue
                }
            }
            guard retryPattern >= 0 else { return false }
            retryName = nextCharacter(in: name, after: retryName)
            patternPosition = retryPattern
            namePosition = retryName
        }
        while patternPosition < pattern.count, pattern[patternPosition] == star { patternPosition += 1 }
        return patternPosition == pattern.count
    }

    /// As above, for texts: what the compiler asks.
    package static func matches(_ pattern: String, _ name: String, foldsCase: Bool = false) -> Bool {
        let pattern = Array((foldsCase ? pattern.lowercased() : pattern).utf8)
        return pattern.withUnsafeBytes { pattern in
            Array(name.utf8).withUnsafeBytes { matches(pattern, $0, foldsCase: foldsCase) }
        }
    }

    /// Whether a pattern surely matches every name that another one matches: its `*` takes the other's wildcards for
    /// characters.
    package static func includes(_ outer: String, _ inner: String, foldsCase: Bool = false) -> Bool {
        if foldsCase ? outer.lowercased() == inner.lowercased() : outer == inner { return true }
        return !(outer.utf8.contains(question) && !isLiteral(inner)) && matches(outer, inner, foldsCase: foldsCase)
    }

    /// ASCII lower case.
    @inline(__always)
    static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
    }

    /// Where the UTF-8 character at a position ends.
    @inline(__always)
    private static func nextCharacter(in name: UnsafeRawBufferPointer, after position: Int) -> Int {
        var next = position + 1
        while next < name.count, name[next] & 0xC0 == 0x80 { next += 1 }
        return next
    }
}
