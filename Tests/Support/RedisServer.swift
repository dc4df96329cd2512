import Foundation

/// A real redis-server of a test's own, without persistence, on a free port and a unix socket. Ended by its process id.
package final class RedisServer {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    package let port: UInt16
    /// A directory of its own, removed with it.
    package let directory: String
    package var socketPath: String { "\(directory)/redis.sock" }
    private let arguments: [String]
    private var process: Process?

    /// Starts a server and waits until it answers. `arguments` are added to its command line.
    package init(_ arguments: [String] = []) throws {
        let temporary = FileManager.default.temporaryDirectory
        directory = temporary.appendingPathComponent("gate-redis-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        port = try FreePort.find()
        self.arguments = arguments
        try start()
    }

    deinit {
        kill()
        try? FileManager.default.removeItem(atPath: directory)
    }

    package var pid: Int32 { process?.processIdentifier ?? 0 }

    /// Starts the server, again at the same address after it was killed, and waits until it answers.
    package func start() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/redis-server")
        process.arguments =
            [
                "--port", "\(port)", "--bind", "127.0.0.1", "--unixsocket", socketPath, "--save", "", "--appendonly",
                "no",
                "--dir", directory, "--daemonize", "no",
            ] + arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        self.process = process
        let deadline = Date().addingTimeInterval(10)
        while Date() < deadline {
            if answers() { return }
            guard process.isRunning else { throw Failure(description: "redis-server ended at once") }
            usleep(2_000)
        }
        throw Failure(description: "redis-server did not answer within 10 s")
    }

    /// Whether it answers a PING, be it by asking who we are.
    private func answers() -> Bool {
        guard let client = try? RedisClient(unixPath: socketPath) else { return false }
        do {
            _ = try client.send("PING")
            return true
        } catch {
            return "\(error)".contains("NOAUTH")
        }
    }

    /// Ends it as a crash would (SIGKILL) and waits until it is gone.
    package func kill() {
        guard let process, process.isRunning else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        self.process = nil
    }

    /// Stops its clockwork without closing anything (SIGSTOP).
    package func pause() { Foundation.kill(pid, SIGSTOP) }

    package func resume() { Foundation.kill(pid, SIGCONT) }

    /// A client of the server's own socket.
    package func client(database: Int = 0) throws -> RedisClient {
        let client = try RedisClient(unixPath: socketPath)
        if database != 0 { try client.send("SELECT", "\(database)") }
        return client
    }
}
