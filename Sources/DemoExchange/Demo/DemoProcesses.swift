import Foundation

/// The programs of the demo, on free ports and in a temporary directory: redis-server, the exchange, Gate.
final class DemoProcesses {
    /// Ports that are taken if they are free, so that `gate stop` and its kin find the demo without being told.
    private static let usualOrderPort: UInt16 = 50_051
    private static let usualAdminPort: UInt16 = 8_083
    private static let patience = Duration.seconds(15)

    /// Where things are before anything runs.
    struct Layout {
        /// The repository.
        let root: String
        /// The `gate` executable.
        let gate: String
        let account: String
        let deposit: Int
        let seed: UInt64

        var configuration: String { "\(root)/deploy/demo/gate.yaml" }
        var rules: String { "\(root)/rules" }
    }

    let redis: HostPort
    let orders: HostPort
    let admin: HostPort
    private(set) var endpoint = ""
    private(set) var gate: ChildProcess?
    private var children: [ChildProcess] = []
    private let layout: Layout
    private let directory: String

    init(_ layout: Layout) throws(DemoError) {
        self.layout = layout
        for (path, what) in [
            (layout.configuration, "the demo's configuration"), (layout.rules, "the rule files"),
            (layout.gate, "the gate program; build it with: swift build -c release --product gate"),
        ] where !FileManager.default.fileExists(atPath: path) {
            throw DemoError("\(path) is missing: \(what)")
        }
        redis = HostPort(host: "127.0.0.1", port: try FreePort.find())
        orders = HostPort(host: "127.0.0.1", port: try FreePort.find(preferred: Self.usualOrderPort))
        admin = HostPort(host: "127.0.0.1", port: try FreePort.find(preferred: Self.usualAdminPort))
        var template = Array((NSTemporaryDirectory() + "gate-demo-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            throw DemoError("cannot make a temporary directory: \(String(cString: strerror(errno)))")
        }
        directory = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard mkdir("\(directory)/state", 0o700) == 0 else {
            throw DemoError("cannot make \(directory)/state: \(String(cString: strerror(errno)))")
        }
    }

    /// Starts all, each after the one that it needs; returns when Gate says that it is ready.
    func start() throws {
        let redisServer = add(
            try ChildProcess(
                "redis", "redis-server",
                [
                    "--port", String(redis.port), "--bind", redis.host, "--save", "", "--appendonly", "no",
                    "--daemonize", "no", "--dir", directory,
                ], logsIn: directory))
        try wait(for: redisServer, "answer") { (try? RedisClient(redis, database: 0)) != nil }
        let exchange = add(
            try ChildProcess(
                "exchange", Self.ownExecutable,
                [
                    "serve", "--listen", "127.0.0.1:0", "--redis", redis.description, "--accounts",
                    "\(layout.account):\(layout.deposit)", "--seed", String(layout.seed), "--fees", "0.00002",
                ], logsIn: directory))
        try wait(for: exchange, "listen") {
            endpoint = exchange.output.firstMatch(of: /endpoint listening on (\S+)/).map { String($0.1) } ?? ""
            return !endpoint.isEmpty
        }
        let gate = add(
            try ChildProcess(
                "gate", layout.gate, ["run", "--config", layout.configuration],
                environment: [
                    "GATE_CONFIG_LISTEN": orders.description, "GATE_CONFIG_UPSTREAM": endpoint,
                    "GATE_CONFIG_ADMIN": admin.description, "GATE_CONFIG_REDIS_ADDRESS": redis.description,
                    "GATE_CONFIG_STATE_DIR": directory,
                ], logsIn: directory))
        self.gate = gate
        let client = AdminClient(port: admin.port)
        try wait(for: gate, "be ready") { client.get("/readyz")?.status == 200 }
    }

    /// Says what happened if one of them is no longer there.
    func check() throws(DemoError) {
        for child in children {
            if let ending = child.ending { throw DemoError("\(child.name) \(ending)\(Self.tail(of: child))") }
        }
    }

    /// Ends them, the last started first, and removes what they wrote.
    func end() {
        for child in children.reversed() { child.end() }
        children = []
        try? FileManager.default.removeItem(atPath: directory)
    }

    private func add(_ child: ChildProcess) -> ChildProcess {
        children.append(child)
        return child
    }

    private func wait(for child: ChildProcess, _ what: String, until isDone: () -> Bool) throws {
        let deadline = ContinuousClock.now + Self.patience
        while !isDone() {
            try check()
            if .now >= deadline { throw DemoError("\(child.name) does not \(what)\(Self.tail(of: child))") }
            if Signals.endRequested(within: .milliseconds(20)) { throw Interrupted() }
        }
    }

    private static func tail(of child: ChildProcess) -> String {
        let lines = child.output.split(whereSeparator: \.isNewline).suffix(15)
        return lines.isEmpty ? "" : "; its last lines:\n  " + lines.joined(separator: "\n  ")
    }

    /// The file itself: `/proc/self/exe` would be another program's by the time it is looked at.
    static var ownExecutable: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }

    /// The person who started the demo has seen enough.
    struct Interrupted: Error {}
}
