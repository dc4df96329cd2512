package import Foundation

/// Where inputs are kept: what to begin with, and what once went wrong.
package enum FuzzFiles {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    package static let repository = folder.deletingLastPathComponent().deletingLastPathComponent()

    /// Where files may come and go: in memory where the machine has that, since a disk is waited for at each of them.
    static let scratch =
        FileManager.default.isWritableFile(atPath: "/dev/shm")
        ? "/dev/shm" : FileManager.default.temporaryDirectory.path

    /// Inputs of a target that reach different parts of it.
    package static func corpus(_ target: FuzzTarget) -> URL {
        folder.appending(path: "corpora/\(target.rawValue)")
    }

    /// Inputs that once brought a target down: each is read again by every test run.
    package static func failures(_ target: FuzzTarget) -> URL {
        folder.appending(path: "failures/\(target.rawValue)")
    }

    /// The contents of a folder's files, in the order of their names; none where there is no folder.
    package static func contents(of folder: URL) throws -> [(name: String, bytes: [UInt8])] {
        guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            .filter { !$0.hasPrefix(".") }
            .map { ($0, [UInt8](try Data(contentsOf: folder.appending(path: $0)))) }
    }
}
