import FuzzTargets
import Testing

/// A short run of every fuzz target; `make fuzz` is the long one. One after the other: targets share their decoders.
@Suite(.serialized) struct FuzzTests {
    /// Inputs made for each target: a twentieth where nothing is optimised.
    #if DEBUG
        private static let rounds = 100
    #else
        private static let rounds = 2_000
    #endif

    @Test(arguments: FuzzTarget.allCases)
    func `an input that once went wrong goes well`(target: FuzzTarget) throws {
        for (name, bytes) in try FuzzFiles.contents(of: FuzzFiles.failures(target)) {
            #expect(throws: Never.self, "\(target)/\(name)") { try bytes.withUnsafeBytes { try target.run($0) } }
        }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `whatever the bytes, a target comes back and keeps its promises`(target: FuzzTarget) throws {
        let corpus = try FuzzFiles.contents(of: FuzzFiles.corpus(target)).map(\.bytes)
        try #require(!corpus.isEmpty)
        for bytes in corpus { try bytes.withUnsafeBytes { try target.run($0) } }
        var mutator = Mutator(seed: 1, corpus: corpus)
        // A restart reads and writes whole files.
        for round in 0..<(target == .recovery ? Self.rounds / 10 : Self.rounds) {
            let bytes = mutator.next()
            #expect(throws: Never.self, "round \(round): \(bytes)") { try bytes.withUnsafeBytes { try target.run($0) } }
        }
    }
}
