import Foundation

/// A program that was started and has to be ended. Its output goes to a file.
///
/// It does not outlive this process, whatever ends this: it is started through `setpriv --pdeathsig`, which has the kernel
/// send it SIGTERM then. That holds for the thread that starts it, so children are started by the main thread.
final class ChildProcess {
    let name: String
    private let pid: pid_t
    private let logPath: String
    private var status: Int32?

    /// - Parameters:
    ///   - environment: added to this process's own.
    ///   - directory: where its output is written, to `name.log`.
    init(
        _ name: String, _ executable: String, _ arguments: [String], environment: [String: String] = [:],
        logsIn directory: String
    ) throws(DemoError) {
        self.name = name
        logPath = "\(directory)/\(name).log"
        let words = ["setpriv", "--pdeathsig", "TERM", executable] + arguments
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
        var child: pid_t = 0
        let failure = Self.withSpawnSettings(log: logPath) { actions, attributes in
            Self.withCStrings(words) { arguments in
                Self.withCStrings(variables) { environment in
                    posix_spawnp(&child, "setpriv", actions, attributes, arguments, environment)
                }
            }
        }
        guard failure == 0 else {
            throw DemoError(
                "cannot start \(name) (\(words.joined(separator: " "))): \(String(cString: strerror(failure)))")
        }
        pid = child
    }

    /// How it ended, in words; nil while it runs.
    var ending: String? {
        guard let status = wait(WNOHANG) else { return nil }
        let signal = status & 0x7f
        return signal == 0 ? "ended with status \((status >> 8) & 0xff)" : "was ended by signal \(signal)"
    }

    /// Asks it to end, waits, and makes it end.
    func end(within patience: Duration = .seconds(5)) {
        guard wait(WNOHANG) == nil else { return }
        kill(pid, SIGTERM)
        let deadline = ContinuousClock.now + patience
        while wait(WNOHANG) == nil {
            if .now >= deadline {
                kill(pid, SIGKILL)
                _ = wait(0)
                return
            }
            Thread.sleep(forTimeInterval: 0.01)
        }
    }

    /// What it has written so far.
    var output: String {
        FileManager.default.contents(atPath: logPath).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// The wait status once it has ended.
    private func wait(_ options: Int32) -> Int32? {
        if let status { return status }
        var raw: Int32 = 0
        var result = waitpid(pid, &raw, options)
        while result < 0, errno == EINTR { result = waitpid(pid, &raw, options) }
        guard result == pid else { return nil }
        status = raw
        return raw
    }

    /// Own process group, so that Ctrl-C reaches this process alone and it ends its children in order; the signals that
    /// this process blocks or ignores as they are by default.
    private static func withSpawnSettings(
        log: String, _ body: (UnsafePointer<posix_spawn_file_actions_t>, UnsafePointer<posix_spawnattr_t>) -> Int32
    ) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var ignored = sigset_t()
        sigemptyset(&ignored)
        sigaddset(&ignored, SIGPIPE)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &ignored)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETPGROUP)
        posix_spawnattr_setflags(&attributes, Int16(flags))
        return body(&actions, &attributes)
    }

    private static func withCStrings(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Int32
    ) -> Int32 {
        var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers)
    }
}
