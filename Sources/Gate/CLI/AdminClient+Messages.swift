import Foundation

/// An answer of the admin server that is not the one hoped for.
struct AdminRefusal: Error {
    let status: Int
    /// What the server says is wrong.
    let detail: String

    init(_ reply: AdminReply) {
        status = reply.status
        detail =
            (try? JSONDecoder().decode(ProblemMessage.self, from: reply.body))?.detail
            ?? "the answer has status \(reply.status) and is not a Gate's"
    }
}

extension AdminClient {
    package func get<Message: Decodable>(_ path: String, as type: Message.Type) async throws -> Message {
        try Self.message(type, in: try await get(path))
    }

    package func post<Message: Decodable>(
        _ path: String, _ message: some Encodable, as type: Message.Type
    ) async throws -> Message {
        let json = try JSONEncoder().encode(message)
        return try Self.message(type, in: try await post(path, json: json))
    }

    private static func message<Message: Decodable>(_ type: Message.Type, in reply: AdminReply) throws -> Message {
        guard reply.status == 200, let message = try? JSONDecoder().decode(type, from: reply.body) else {
            throw AdminRefusal(reply)
        }
        return message
    }
}
