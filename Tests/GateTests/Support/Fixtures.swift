import Foundation

/// The files beside the tests.
enum Fixtures {
    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    static let directory = tests.appendingPathComponent("Fixtures").path
    /// The package's root.
    static let repository = tests.deletingLastPathComponent().deletingLastPathComponent().path

    static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)")))
    }

    /// The names of a folder's files with an ending, in order.
    static func names(in folder: String, ending: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(directory)/\(folder)")
            .filter { $0.hasSuffix(ending) }.sorted()
    }
}
