import CLinux
import Glibc

/// Which directories tell of a change of a rule directory, and what each event in them means.
struct RuleWatchPlan {
    /// One directory to watch.
    struct Watch: Equatable {
        var directory: String
        /// It is the rule directory itself.
        var holdsRules: Bool
        /// Names in it through which the path leads and which may be exchanged: links, and what is missing.
        var links: Set<String>

        mutating func merge(_ other: Watch) {
            holdsRules = holdsRules || other.holdsRules
            links.formUnion(other.links)
        }
    }

    private(set) var watches: [Watch] = []
    /// As many links as the kernel follows in one path (path_resolution(7)).
    private static let maximumLinks = 40

    /// Walks a path as the kernel does. Each link on the way, and the first name that is missing, is watched in the
    /// directory in which it stands; the directory at the end, if there is one, is watched itself.
    init(path: String) {
        var directory = path.hasPrefix("/") ? "/" : "."
        var names = Self.components(path)[...]
        var links = 0
        while let name = names.popFirst() {
            let next = directory == "/" ? "/\(name)" : "\(directory)/\(name)"
            if let target = Self.link(at: next) {
                links += 1
                guard links <= Self.maximumLinks else { return }
                watches.append(Watch(directory: directory, holdsRules: false, links: [name]))
                if target.hasPrefix("/") { directory = "/" }
                names = (Self.components(target) + names)[...]
            } else if access(next, F_OK) != 0 {
                watches.append(Watch(directory: directory, holdsRules: false, links: [name]))
                return
            } else {
                directory = next
            }
        }
        watches.append(Watch(directory: directory, holdsRules: true, links: ["..data"]))
    }

    private static func components(_ path: String) -> [String] {
        path.split(separator: "/").filter { $0 != "." }.map(String.init)
    }

    /// What a symbolic link says; nil where there is none.
    static func link(at path: String) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let base = buffer.baseAddress else { return nil }
            let count = readlink(path, base, buffer.count)
            guard count > 0 else { return nil }
            return String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
    }

    /// What an inotify event means for the rules; nil where nothing.
    ///
    /// A created file is not read before it is closed; a created link is whole at once. A directory that comes in place
    /// of a link may still be filled file by file, so it is no exchange.
    static func meaning(of mask: UInt32, name: String, in watch: Watch?) -> RuleTrigger? {
        func has(_ flags: Int...) -> Bool { flags.contains { mask & UInt32(truncatingIfNeeded: $0) != 0 } }
        if has(Int(IN_Q_OVERFLOW)) { return .change }
        guard let watch, !has(Int(IN_IGNORED)) else { return nil }
        if has(Int(IN_DELETE_SELF), Int(IN_MOVE_SELF), Int(IN_UNMOUNT)) { return .change }
        if watch.links.contains(name) {
            return has(Int(IN_MOVED_TO), Int(IN_CREATE)) && !has(Int(IN_ISDIR)) ? .linkSwapped : .change
        }
        guard watch.holdsRules, RuleDirectory.isRuleFile(name) else { return nil }
        if has(Int(IN_CREATE)) {
            return link(at: RuleDirectory.join(watch.directory, name)) == nil ? nil : .change
        }
        return .change
    }
}
