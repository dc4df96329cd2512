import HTTPTypes
import Hummingbird
import Logging

/// Applies the guard to every request, and gives every error the form that the API promises.
struct AdminMiddleware: RouterMiddleware {
    typealias Context = AdminContext

    let guarding: RequestGuard

    func handle(
        _ request: Request, context: AdminContext, next: (Request, AdminContext) async throws -> Response
    ) async throws -> Response {
        do {
            try refuseForeign(request)
            return try await next(request, context)
        } catch let problem as AdminProblem {
            return try problem.response(from: request, context: context)
        } catch let error as any HTTPResponseError {
            let detail = error.status == .notFound ? "there is nothing at \(request.uri.path)" : "\(error)"
            return try AdminProblem(error.status, detail).response(from: request, context: context)
        } catch {
            context.logger.error(
                "admin request failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            return try AdminProblem(.internalServerError, "the request failed; the log says why")
                .response(from: request, context: context)
        }
    }

    private func refuseForeign(_ request: Request) throws(AdminProblem) {
        // The codec takes the first Host header away as the authority; one that is left is a second one.
        guard !request.headers.contains(where: { $0.name.canonicalName == "host" }) else {
            throw AdminProblem(.badRequest, "more than one Host header")
        }
        switch guarding.refusal(authority: request.head.authority, origin: request.headers[.origin]) {
        case nil: return
        case .noHost: throw AdminProblem(.badRequest, "the Host header is missing")
        case .foreignHost(let host):
            throw AdminProblem(
                .misdirectedRequest,
                "\(host) is no name of this server: use its IP address, localhost, its host name or the configured one")
        case .foreignOrigin(let origin):
            throw AdminProblem(.forbidden, "requests of pages from \(origin) are not answered")
        }
    }
}
