import ArgumentParser
import Foundation

/// How a command shows what it was told.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text
    case json
}

/// Where the running Gate is, and how to answer. Shared by the commands that talk to one.
struct AdminOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The admin address of the Gate meant: host:port or unix:/path. Default: GATE_ADMIN, else 127.0.0.1:8083.",
            valueName: "address"))
    var admin: String?

    @Option(help: "text or json.")
    var format: OutputFormat = .text

    func validate() throws {
        do {
            _ = try AdminAddress.choose(option: admin, environment: ProcessInfo.processInfo.environment)
        } catch {
            throw ValidationError(error.description)
        }
    }

    /// Runs `talk` with a client of the Gate meant. What goes wrong is said on standard error and becomes the exit
    /// code (sysexits.h): 64 it was asked for something wrong, 69 no Gate answers or it cannot do it now, 70 the rest.
    func connect(_ talk: (AdminClient) async throws -> Void) async throws {
        do {
            let environment = ProcessInfo.processInfo.environment
            let address = try AdminAddress.choose(option: admin, environment: environment)
            try await talk(AdminClient(address: address, token: environment["GATE_ADMIN_TOKEN"]))
        } catch let error as AdminClientError {
            throw Self.failure("\(error)", 69)
        } catch let error as AdminRefusal {
            let code: Int32 =
                switch error.status {
                case 400..<500: 64
                case 503: 69
                default: 70
                }
            throw Self.failure(error.detail, code)
        } catch {
            throw Self.failure("\(error)", 70)
        }
    }

    /// Prints a message of the API as it came, or in words.
    func show(_ message: some Encodable, _ words: String) throws {
        switch format {
        case .text: print(words)
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(message), as: UTF8.self))
        }
    }

    private static func failure(_ message: String, _ code: Int32) -> ExitCode {
        FileHandle.standardError.write(Data("gate: \(message)\n".utf8))
        return ExitCode(code)
    }
}

/// Which address the command line talks to.
package enum AdminAddress {
    /// A text that should be an address is none.
    package struct Malformed: Error, CustomStringConvertible {
        package let description: String
    }

    /// The address of the option, else that of `GATE_ADMIN`, else the default.
    package static func choose(
        option: String?, environment: [String: String]
    ) throws(Malformed) -> SocketAddress {
        let (text, source) =
            if let option {
                (option, "--admin")
            } else {
                (environment["GATE_ADMIN"] ?? "127.0.0.1:8083", "GATE_ADMIN")
            }
        do {
            return try SocketAddress(text)
        } catch {
            throw Malformed(description: "\(source): \"\(text)\" is no address: \(error.reason)")
        }
    }
}
