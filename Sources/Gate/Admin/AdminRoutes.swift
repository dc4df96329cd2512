import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// The calls of the admin server.
struct AdminRoutes: Sendable {
    /// What a request body may have in bytes.
    private static let bodyLimit = 65_536
    /// What a reason, and what a person's name, may have in bytes.
    static let reasonLimit = 512
    static let personLimit = 128

    let metrics: any MetricsSource
    let readiness: any ReadinessSource
    let stops: any StopControl
    let accounts: any AccountControl
    let rights: AdminRights

    func router(guarding: RequestGuard) -> Router<AdminContext> {
        let router = Router(context: AdminContext.self)
        router.middlewares.add(AdminMiddleware(guarding: guarding))
        add("/healthz", to: router, get: { _, _ in Response(text: "ok\n") })
        add("/readyz", to: router, get: { _, _ in ready() })
        add(
            "/metrics", to: router,
            get: { _, _ in Response(text: metrics.exposition(), contentType: PrometheusText.contentType) })
        add(
            "/api/v1/stops", to: router, get: { _, _ in try await list() },
            post: { try await stop(request: $0, context: $1) })
        add("/api/v1/stops/resume", to: router, post: { try await resume(request: $0, context: $1) })
        add("/api/v1/accounts/:id", to: router, get: { _, context in try await account(context: context) })
        add("/api/v1/accounts/:id/settle", to: router, post: { try await settle(request: $0, context: $1) })
        return router
    }

    private typealias Handler = @Sendable (Request, AdminContext) async throws -> Response

    /// Adds one path; every other method on it is told which ones there are.
    private func add(_ path: RouterPath, to router: Router<AdminContext>, get: Handler? = nil, post: Handler? = nil) {
        var handlers: [HTTPRequest.Method: Handler] = [:]
        if let get {
            handlers[.get] = get
            handlers[.head] = { try await get($0, $1).createHeadResponse() }
        }
        if let post { handlers[.post] = post }
        let allowed = Array(handlers.keys)
        for method in [.get, .head, .post, .put, .patch, .delete, .options] as [HTTPRequest.Method] {
            let handler = handlers[method] ?? { _, _ in throw AdminProblem.methodNotAllowed(allowed) }
            router.on(path, method: method, use: handler)
        }
    }

    private func ready() -> Response {
        let reasons = readiness.reasonsNotReady()
        if reasons.isEmpty { return Response(text: "ready\n") }
        return Response(status: .serviceUnavailable, text: "not ready\n" + reasons.map { "\($0)\n" }.joined())
    }

    private func list() async throws -> Response {
        try Response(json: StopListMessage(await stops.stops()))
    }

    private func stop(request: Request, context: AdminContext) async throws -> Response {
        try await requireRight(to: .stop, request, context)
        let message = try await read(StopRequest.self, from: request)
        let target = try target(message.scope)
        let reason = try text(message.reason, named: "reason", limit: Self.reasonLimit)
        let person = try text(message.by, named: "by", limit: Self.personLimit)
        let stop: KnownStop
        do throws(StopControlError) {
            stop = try await stops.stop(target, reason: reason, by: person)
        } catch {
            throw problem(error)
        }
        return try Response(json: StopMessage(stop))
    }

    private func resume(request: Request, context: AdminContext) async throws -> Response {
        try await requireRight(to: .resume, request, context)
        let message = try await read(ResumeRequest.self, from: request)
        let target = try target(message.scope)
        let reason = try text(message.reason, named: "reason", limit: Self.reasonLimit)
        let person = try text(message.authorizedBy, named: "authorized_by", limit: Self.personLimit)
        let stop: KnownStop
        do throws(StopControlError) {
            stop = try await stops.resume(target, reason: reason, authorizedBy: person)
        } catch {
            throw problem(error)
        }
        return try Response(json: StopMessage(stop))
    }

    private func problem(_ error: StopControlError) -> AdminProblem {
        switch error {
        case .unsupported(let detail): AdminProblem(.unprocessableContent, detail)
        case .notActive(let detail): AdminProblem(.conflict, detail)
        case .notStored(let detail): AdminProblem(.serviceUnavailable, detail)
        }
    }

    func requireRight(
        to action: AdminRights.Action, _ request: Request, _ context: AdminContext
    ) async throws {
        let caller = AdminRights.Caller(
            authorization: request.headers[.authorization], uid: await context.peerUID())
        let refusal: AdminProblem
        switch rights.judge(action, by: caller) {
        case .allowed: return
        case .needsToken(let detail): refusal = .unauthorized(detail)
        case .forbidden(let detail): refusal = AdminProblem(.forbidden, detail)
        }
        context.logger.warning(
            "refused at the admin address",
            metadata: [
                "action": "\(action)", "why": "\(refusal.detail)", "uid": "\(caller.uid.map(String.init) ?? "none")",
            ])
        throw refusal
    }

    func read<Message: Decodable>(_ type: Message.Type, from request: Request) async throws -> Message {
        let mediaType = request.headers[.contentType].flatMap(MediaType.init(from:))
        guard mediaType?.isType(.applicationJson) ?? false else {
            throw AdminProblem(.unsupportedMediaType, "the body must be application/json")
        }
        let body: ByteBuffer
        do {
            body = try await request.body.collect(upTo: Self.bodyLimit)
        } catch is NIOTooManyBytesError {
            throw AdminProblem(.contentTooLarge, "the body may have \(Self.bodyLimit) bytes")
        }
        do {
            return try JSONDecoder().decode(type, from: Data(body.readableBytesView))
        } catch let error as DecodingError {
            throw AdminProblem(.badRequest, error.sentence)
        }
    }

    private func target(_ scope: String?) throws(AdminProblem) -> StopTarget {
        guard let scope else { return .global }
        guard let target = StopTarget(scope) else {
            throw AdminProblem(
                .badRequest, "the scope must be global, account:NAME, strategy:NAME or symbol:NAME, not \"\(scope)\"")
        }
        return target
    }

    /// A text that a person gave: something, not too long, and one line, as it goes into the log.
    func text(_ value: String, named key: String, limit: Int) throws(AdminProblem) -> String {
        guard value.contains(where: { !$0.isWhitespace }) else {
            throw AdminProblem(.badRequest, "\"\(key)\" must say something")
        }
        guard value.utf8.count <= limit else {
            throw AdminProblem(.badRequest, "\"\(key)\" may have \(limit) bytes")
        }
        guard !value.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw AdminProblem(.badRequest, "\"\(key)\" must be one line without control characters")
        }
        return value
    }
}
