import CLinux
import CNghttp2
import Glibc

/// The least that an order-execution endpoint can be: one thread, any number of connections, one answer to every call.
final class Endpoint {
    private let listener: Int32
    private let poller: Poller
    private let callbacks: OpaquePointer
    private let answers = Answers()
    private var connections: [UInt64: EndpointConnection] = [:]

    private static let listenerToken: UInt64 = 0

    init(listener: Int32) throws {
        self.listener = listener
        poller = try Poller()
        callbacks = try EndpointConnection.makeCallbacks()
        try poller.add(listener, token: Endpoint.listenerToken)
    }

    func run() throws -> Never {
        while true {
            _ = try poller.wait(milliseconds: -1) { token in
                guard token != Endpoint.listenerToken else { return try accept() }
                guard let connection = connections[token] else { return }
                // An error concerns its own connection alone: the others go on.
                let alive = (try? connection.turn()) ?? false
                if !alive { connections[token] = nil }
            }
        }
    }

    private func accept() throws {
        while true {
            let socket = accept4(listener, __SOCKADDR_ARG(), nil, Int32(SOCK_CLOEXEC.rawValue))
            guard socket >= 0 else {
                if errno == EAGAIN { return }
                if errno == EINTR || errno == ECONNABORTED { continue }
                throw SystemError("accept4")
            }
            Address.sendAtOnce(socket)
            let connection = try EndpointConnection(
                socket: socket, poller: poller, callbacks: callbacks, answers: answers)
            connections[connection.token] = connection
            if try !connection.start() { connections[connection.token] = nil }
        }
    }
}

/// What every call is answered with. Only the order id differs, and it is counted over all connections.
final class Answers {
    let headers = HeaderBlock([":status": "200", "content-type": "application/grpc"])
    let trailers = HeaderBlock(["grpc-status": "0"])
    let message = Message.accepted()
    private var count: UInt64 = 0

    func nextNumber() -> UInt64 {
        count &+= 1
        return count
    }
}
