import ArgumentParser
import Glibc

/// `gate-bench endpoint`: answers every order at once.
struct EndpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "endpoint",
        abstract: "Answer every unary gRPC call at once with an accepted order, until a signal ends it."
    )

    @Option(help: "host:port (port 0: any free one) or unix:/path.")
    var listen: Address

    func run() throws {
        let listener = try listen.listen()
        print("listening on \(try listen.bound(listener))")
        fflush(nil)
        try Endpoint(listener: listener).run()
    }
}
