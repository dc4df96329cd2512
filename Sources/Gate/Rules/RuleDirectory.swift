import CLinux
import Crypto
import Glibc
package import RiskRules

/// A directory of rule files as it stands at one moment: every `*.yaml` in it, read whole, in name order.
package struct RuleDirectory: Sendable {
    /// The most files that one set may have.
    package static let maximumFiles = 1024

    /// The directory's path as it was given.
    package let path: String
    /// The names of its rule files, in byte order.
    package let names: [String]
    /// What the files say, in that order; without those that could not be read.
    package let documents: [RuleDocument]
    /// SHA-256 in hexadecimal over each file's name, a zero byte, its content and a zero byte, in that order.
    package let version: String
    /// What is wrong with the directory, or with a file as a file.
    package let problems: [Problem]
    /// Whether the directory or a file in it could not be read at all.
    package let isUnreadable: Bool

    /// Reads a directory. What fails is among `problems`.
    package init(reading path: String) {
        self.path = path
        let log = ProblemLog()
        var hash = SHA256()
        var documents: [RuleDocument] = []
        var unreadable = false
        var names: [String] = []
        do throws(SystemError) {
            names = try Self.ruleFiles(of: path, log)
        } catch {
            unreadable = true
            log.report("the directory cannot be read: \(error)", at: Self.place(path))
        }
        for name in names {
            let file = Self.join(path, name)
            do throws(SystemError) {
                let bytes = try FileReader.read(file)
                hash.update(data: Array(name.utf8) + [0] + bytes + [0])
                if let document = RuleFileReader.read(bytes, file: file, into: log) { documents.append(document) }
            } catch {
                unreadable = true
                log.report("cannot be read: \(error)", at: Self.place(file))
            }
        }
        self.names = names
        self.documents = documents
        version = hash.finalize().map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0\(digits)" : digits
        }.joined()
        problems = log.problems
        isUnreadable = unreadable
    }

    /// The path under which problems name a file of a directory.
    static func join(_ path: String, _ name: String) -> String {
        path.hasSuffix("/") ? path + name : "\(path)/\(name)"
    }

    static func place(_ file: String) -> SourceLocation { SourceLocation(file: file, line: 1, column: 1) }

    /// Whether a name is one of a rule file, or of one that ought to be: hidden files, as editors leave them, are not.
    static func isRuleFile(_ name: String) -> Bool {
        guard !name.hasPrefix(".") else { return false }
        let name = name.lowercased()
        return name.hasSuffix(".yaml") || name.hasSuffix(".yml")
    }

    private static func ruleFiles(of path: String, _ log: ProblemLog) throws(SystemError) -> [String] {
        var names: [String] = []
        for name in try entries(of: path) where isRuleFile(name) {
            if name.hasSuffix(".yaml") {
                names.append(name)
            } else {
                log.report("not read: the name of a rule file ends in .yaml; rename it", at: place(join(path, name)))
            }
        }
        if names.isEmpty, log.isEmpty {
            log.report("there is no rule file (*.yaml) in this directory", at: place(path))
        }
        if names.count > maximumFiles {
            log.report("\(names.count) rule files; the most is \(maximumFiles)", at: place(path))
            return []
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func entries(of path: String) throws(SystemError) -> [String] {
        guard let directory = opendir(path) else { throw SystemError("opendir", errno: errno) }
        defer { closedir(directory) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(directory) else {
                if errno != 0 { throw SystemError("readdir", errno: errno) }
                return names
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            names.append(name)
        }
    }
}
