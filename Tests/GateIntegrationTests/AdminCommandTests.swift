import Foundation
import Gate
import Testing

/// The command line against a running admin server, as a process of its own.
struct AdminCommandTests {
    private struct Outcome {
        var status: Int32
        var output: String
        var errors: String
    }

    /// Runs `gate` to its end; one that takes longer than 20 seconds is killed, which shows in its status.
    private func gate(
        _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
            .deletingLastPathComponent().appendingPathComponent("gate")
        process.arguments = arguments
        process.environment = environment
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        let (ends, continuation) = AsyncStream.makeStream(of: Void.self)
        process.terminationHandler = { _ in continuation.finish() }
        try process.run()
        let watchdog = Task {
            try await Task.sleep(for: .seconds(20))
            process.interrupt()
        }
        for await _ in ends {}
        watchdog.cancel()
        return Outcome(
            status: process.terminationStatus,
            output: String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self),
            errors: String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self))
    }

    @Test func `stop, status, resume and status tell the story`() async throws {
        try await withServer(token: "secret") { server in
            let environment = ["GATE_ADMIN": server.address.description, "GATE_ADMIN_TOKEN": "secret"]
            for part in Readiness.Part.allCases { server.readiness.set(part, true) }

            let stop = try await gate(
                ["stop", "--reason", "fat finger", "--scope", "account:a-1", "--by", "ann"], environment: environment)
            #expect(stop.status == 0, "\(stop.errors)")
            #expect(stop.output == "stopped account:a-1 at 2025-10-09T08:53:20.125Z, by ann: fat finger\n")

            let stopped = try await gate(["status"], environment: environment)
            #expect(stopped.status == 0)
            #expect(
                stopped.output
                    == "ready\nredis: followed\n"
                    + "stopped: account:a-1 since 2025-10-09T08:53:20.125Z, by ann: fat finger (epoch 1760000000125)\n")

            let resume = try await gate(
                ["resume", "--authorized-by", "bob", "--reason", "checked", "--scope", "account:a-1"],
                environment: environment)
            #expect(resume.status == 0, "\(resume.errors)")
            #expect(resume.output == "resumed account:a-1 at 2025-10-09T08:53:20.125Z, by bob: checked\n")

            server.readiness.set(.mirror, false)
            let status = try await gate(["status"], environment: environment)
            #expect(status.output == "not ready\n  mirror: not following Redis\nredis: followed\nno stop is active\n")
        }
    }

    @Test func `what other Gates do not know of yet is told`() async throws {
        try await withServer(token: "secret") { server in
            let environment = ["GATE_ADMIN": server.address.description, "GATE_ADMIN_TOKEN": "secret"]
            await server.keeper.isolate()
            let stop = try await gate(["stop", "--reason", "r", "--by", "b"], environment: environment)
            #expect(stop.status == 0)
            #expect(stop.output.hasSuffix("\nin force here; not yet shared with other Gates (see gate status)\n"))
            let stopped = try await gate(["status"], environment: environment)
            #expect(stopped.output.contains("\nredis: not followed"))
            #expect(stopped.output.hasSuffix("(epoch 1760000000125; other Gates do not know of it yet)\n"))
            let resume = try await gate(["resume", "--authorized-by", "b", "--reason", "r"], environment: environment)
            #expect(resume.output.contains("not yet shared"))
            let resumed = try await gate(["status"], environment: environment)
            #expect(resumed.output.hasSuffix("\nends of stops that other Gates do not know of yet: 1\n"))
        }
    }

    @Test func `json is what the API says`() async throws {
        try await withServer { server in
            let stop = try await gate([
                "stop", "--reason", "r", "--by", "b", "--format", "json", "--admin", server.address.description,
            ])
            #expect(
                stop.output == """
                    {"active":true,"at":"2025-10-09T08:53:20.125Z","by":"b","epoch":1760000000125,"reason":"r",\
                    "scope":"global","shared":true}

                    """)
            let status = try await gate(["status", "--format", "json", "--admin", server.address.description])
            #expect(status.output.hasPrefix(#"{"ready":false,"reasons":["rules: "#))
        }
    }

    @Test func `a refusal is told and is a wrong request`() async throws {
        try await withServer(token: "secret") { server in
            let resume = try await gate([
                "resume", "--authorized-by", "b", "--reason", "r", "--admin", server.address.description,
            ])
            #expect(resume.status == 64)
            #expect(resume.errors.contains("GATE_ADMIN_TOKEN"))
            let scope = try await gate([
                "stop", "--reason", "r", "--by", "b", "--scope", "all", "--admin", server.address.description,
            ])
            #expect(scope.status == 64)
            #expect(scope.errors.contains("account:NAME"))
        }
    }

    @Test func `what Gate cannot do now, and no Gate at all, is unavailable`() async throws {
        try await withServer { server in
            await server.keeper.fail()
            let stop = try await gate([
                "stop", "--reason", "r", "--by", "b", "--admin", server.address.description,
            ])
            #expect(stop.status == 69)
            #expect(stop.errors == "gate: No space left on device\n")
        }
        let nobody = try await gate(["status", "--admin", "unix:/nonexistent/gate.sock"])
        #expect(nobody.status == 69)
        #expect(nobody.errors == "gate: no Gate answers at unix:/nonexistent/gate.sock: No such file or directory\n")
    }

    @Test func `an address that is none is bad usage`() async throws {
        let option = try await gate(["status", "--admin", "8083"])
        #expect(option.status == 64)
        let variable = try await gate(["status"], environment: ["GATE_ADMIN": "8083"])
        #expect(variable.status == 64)
        #expect(variable.errors.contains("GATE_ADMIN"))
    }

    @Test(arguments: [["version"], ["--version"]])
    func `the version names what Gate is made of`(arguments: [String]) async throws {
        let version = try await gate(arguments)
        #expect(version.status == 0)
        let lines = version.output.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(lines.map(\.first) == ["gate", "commit", "libnghttp2", "hiredis", "openssl"])
        for line in lines where line.first != "commit" {
            #expect(line.last?.split(separator: ".").count == 3, "\(line)")
        }
    }
}
