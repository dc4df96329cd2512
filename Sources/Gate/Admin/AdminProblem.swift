import FoundationEssentials
import HTTPTypes
import Hummingbird

/// An error answer of the admin server: `application/problem+json` (RFC 9457).
struct AdminProblem: HTTPResponseError {
    let status: HTTPResponse.Status
    /// What is wrong and what to do instead, for the person who asked.
    let detail: String
    private var headers: HTTPFields = [:]

    init(_ status: HTTPResponse.Status, _ detail: String) {
        self.status = status
        self.detail = detail
    }

    static func methodNotAllowed(_ allowed: [HTTPRequest.Method]) -> AdminProblem {
        let names = allowed.map(\.rawValue).sorted().joined(separator: ", ")
        var problem = AdminProblem(.methodNotAllowed, "allowed here: \(names)")
        problem.headers[.allow] = names
        return problem
    }

    static func unauthorized(_ detail: String) -> AdminProblem {
        var problem = AdminProblem(.unauthorized, detail)
        problem.headers[.wwwAuthenticate] = "Bearer"
        return problem
    }

    func response(from request: Request, context: some RequestContext) throws -> Response {
        let message = ProblemMessage(title: status.reasonPhrase, status: Int(status.code), detail: detail)
        return try Response(
            status: status, headers: headers, json: message, contentType: "application/problem+json")
    }
}

/// The members of RFC 9457 that Gate uses; `type` is absent, which means `about:blank`.
package struct ProblemMessage: Codable {
    package var title: String
    package var status: Int
    package var detail: String
}

extension Response {
    /// A JSON answer that no cache keeps.
    init(
        status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], json: some Encodable,
        contentType: String = "application/json"
    ) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var headers = headers
        headers[.contentType] = contentType
        headers[.cacheControl] = "no-store"
        let body = ByteBuffer(bytes: try encoder.encode(json))
        self.init(status: status, headers: headers, body: ResponseBody(byteBuffer: body))
    }

    /// A text answer that no cache keeps.
    init(status: HTTPResponse.Status = .ok, text: String, contentType: String = "text/plain; charset=utf-8") {
        self.init(
            status: status, headers: [.contentType: contentType, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
