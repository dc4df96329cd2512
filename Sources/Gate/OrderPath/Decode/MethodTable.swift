/// What a request's `:path` is to Gate.
package enum MethodLookup: Equatable, BitwiseCopyable {
    /// A mapped method: its index in `DecodePlan.paths`.
    case mapped(Int)
    /// None of Gate's business.
    case unmapped
    /// `METHOD_NOT_PERMITTED`.
    case refused
}

/// Finds the mapped method of a request by its `:path`. Belongs to one thread, allocates when it is made and never again.
///
/// Only a byte-equal path is a mapped method. A service of which one method is mapped is closed: whatever else leads to it,
/// also by percent-decoding, letter case, repeated or trailing slashes, dot segments, a query or a fragment, is refused.
/// For an endpoint that normalises paths would serve it, undecided.
package final class MethodTable {
    /// A path longer than this is refused unless it is mapped: it cannot be compared, and no method has one.
    static let longestPath = 4096

    private struct Entry: BitwiseCopyable {
        var offset: Int
        var count: Int
    }
    private let deniesUnmatched: Bool
    private let paths: UnsafeMutableBufferPointer<Entry>
    /// The services of the mapped methods, in lower case.
    private let services: UnsafeMutableBufferPointer<Entry>
    private let text: UnsafeMutableBufferPointer<UInt8>
    private let scratch: UnsafeMutableRawBufferPointer

    /// - Parameters:
    ///   - paths: full method paths as in `DecodePlan.paths`.
    ///   - deniesUnmatched: whether services of which no method is mapped are refused too (`unmatched: deny`).
    package init(paths: [String], deniesUnmatched: Bool) {
        var text: [UInt8] = []
        func store(_ bytes: some Sequence<UInt8>) -> Entry {
            let offset = text.count
            text.append(contentsOf: bytes)
            return Entry(offset: offset, count: text.count - offset)
        }
        let entries = paths.map { store($0.utf8) }
        let names = Set(
            paths.map { path in path.utf8.dropFirst().prefix { $0 != UInt8(ascii: "/") }.map(\.asciiLowercased) })
        let services = names.map { store($0) }
        self.deniesUnmatched = deniesUnmatched
        self.paths = .allocate(capacity: entries.count)
        _ = self.paths.initialize(from: entries)
        self.services = .allocate(capacity: services.count)
        _ = self.services.initialize(from: services)
        self.text = .allocate(capacity: text.count)
        _ = self.text.initialize(from: text)
        self.scratch = .allocate(byteCount: Self.longestPath, alignment: 1)
    }

    deinit {
        paths.deallocate()
        services.deallocate()
        text.deallocate()
        scratch.deallocate()
    }

    package func lookup(_ path: UnsafeRawBufferPointer) -> MethodLookup {
        for index in 0..<paths.count where bytes(paths[index]).equals(path) { return .mapped(index) }
        guard !deniesUnmatched, path.count <= Self.longestPath else { return .refused }
        scratch.copyMemory(from: path)
        guard
            let service = PathNormalizer.firstSegment(
                UnsafeMutableRawBufferPointer(rebasing: scratch[..<path.count]))
        else { return .refused }
        for entry in services where bytes(entry).equals(service) { return .refused }
        return .unmapped
    }

    private func bytes(_ entry: Entry) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(text)[entry.offset..<entry.offset + entry.count])
    }
}
