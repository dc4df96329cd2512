/// Brings a path into the form that the most forgiving of endpoints would see.
enum PathNormalizer {
    /// Percent-encoding may be nested; what is not plain after so many rounds is not meant honestly.
    private static let decodingRounds = 4

    /// The first segment of the path, in lower case, after dropping query and fragment, decoding percent-encoding, and
    /// resolving repeated slashes and dot segments. Works in the memory it is given. Empty: the path has no segment.
    /// nil: the path is encoded too often to be judged.
    static func firstSegment(_ path: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer? {
        var count = Self.withoutQuery(path)
        var rounds = 0
        while true {
            let decoded = Self.percentDecoded(UnsafeMutableRawBufferPointer(rebasing: path[..<count]))
            if decoded == count { break }
            rounds += 1
            guard rounds <= Self.decodingRounds else { return nil }
            // What was encoded may itself begin a query.
            count = Self.withoutQuery(UnsafeMutableRawBufferPointer(rebasing: path[..<decoded]))
        }
        let resolved = Self.resolved(UnsafeMutableRawBufferPointer(rebasing: path[..<count]))
        let segment = path[..<resolved].prefix { $0 != UInt8(ascii: "/") }
        for index in segment.indices { path[index] = path[index].asciiLowercased }
        return UnsafeRawBufferPointer(rebasing: path[segment.indices])
    }

    /// How many bytes stand before a query or a fragment.
    private static func withoutQuery(_ path: UnsafeMutableRawBufferPointer) -> Int {
        path.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? path.count
    }

    /// Decodes what is validly percent-encoded, once; returns how many bytes are left.
    private static func percentDecoded(_ path: UnsafeMutableRawBufferPointer) -> Int {
        var written = 0
        var read = 0
        while read < path.count {
            if path[read] == UInt8(ascii: "%"), read + 2 < path.count, let high = Self.hexDigit(path[read + 1]),
                let low = Self.hexDigit(path[read + 2])
            {
                path[written] = high << 4 | low
                read += 3
            } else {
                path[written] = path[read]
                read += 1
            }
            written += 1
        }
        return written
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte.asciiLowercased {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte.asciiLowercased - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    /// Joins the segments by single slashes, with empty and dot segments resolved; returns how many bytes are left.
    private static func resolved(_ path: UnsafeMutableRawBufferPointer) -> Int {
        var written = 0
        var read = 0
        while read < path.count {
            let start = read
            while read < path.count, path[read] != UInt8(ascii: "/") { read += 1 }
            let count = read - start
            read += 1
            if count == 0 || (count == 1 && path[start] == UInt8(ascii: ".")) { continue }
            if count == 2, path[start] == UInt8(ascii: "."), path[start + 1] == UInt8(ascii: ".") {
                while written > 0 {
                    written -= 1
                    if path[written] == UInt8(ascii: "/") { break }
                }
                continue
            }
            if written > 0 {
                path[written] = UInt8(ascii: "/")
                written += 1
            }
            for index in 0..<count { path[written + index] = path[start + index] }
            written += count
        }
        return written
    }
}
