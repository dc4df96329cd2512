import RiskRules

/// The body of `POST /api/v1/stops`.
struct StopRequest: Codable, Sendable {
    var scope: String?
    var reason: String
    var by: String

    enum CodingKeys: String, CodingKey, CaseIterable { case scope, reason, by }

    init(scope: String?, reason: String, by: String) {
        self.scope = scope
        self.reason = reason
        self.by = by
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.strictContainer(keyedBy: CodingKeys.self)
        scope = try values.decodeIfPresent(String.self, forKey: .scope)
        reason = try values.decode(String.self, forKey: .reason)
        by = try values.decode(String.self, forKey: .by)
    }
}

/// The body of `POST /api/v1/stops/resume`.
struct ResumeRequest: Codable, Sendable {
    var scope: String?
    var reason: String
    var authorizedBy: String

    enum CodingKeys: String, CodingKey, CaseIterable {
        case scope, reason
        case authorizedBy = "authorized_by"
    }

    init(scope: String?, reason: String, authorizedBy: String) {
        self.scope = scope
        self.reason = reason
        self.authorizedBy = authorizedBy
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.strictContainer(keyedBy: CodingKeys.self)
        scope = try values.decodeIfPresent(String.self, forKey: .scope)
        reason = try values.decode(String.self, forKey: .reason)
        authorizedBy = try values.decode(String.self, forKey: .authorizedBy)
    }
}

/// A stop or its end, as the API shows it.
package struct StopMessage: Codable, Sendable {
    package var scope: String
    package var active: Bool
    package var epoch: Int64
    package var reason: String
    package var by: String
    /// RFC 3339 in UTC.
    package var at: String
    /// How far its unwinding has come; absent where it is not unwound.
    package var unwind: UnwindMessage?
    /// Whether the other Gates of the same Redis know of it, or of a newer one.
    package var shared: Bool

    package init(_ stop: KnownStop) {
        let record = stop.record
        scope = record.target.description
        active = record.active
        epoch = record.epoch
        reason = record.reason
        by = record.by
        at = Timestamp.text(record.at)
        unwind = record.unwind.map(UnwindMessage.init)
        shared = stop.isShared
    }
}

/// How far the unwinding of a stop has come, as the API shows it.
package struct UnwindMessage: Codable, Sendable {
    package var ordersCanceled: Int
    package var positionsClosed: Int
    package var completed: Bool
    /// RFC 3339 in UTC.
    package var completedAt: String?
    package var lastError: String?

    enum CodingKeys: String, CodingKey {
        case completed
        case ordersCanceled = "orders_canceled"
        case positionsClosed = "positions_closed"
        case completedAt = "completed_at"
        case lastError = "last_error"
    }

    package init(_ progress: UnwindProgress) {
        ordersCanceled = progress.ordersCanceled
        positionsClosed = progress.positionsClosed
        completed = progress.isCompleted
        completedAt = progress.completedAt.map(Timestamp.text)
        lastError = progress.lastError
    }

    /// In a person's words.
    package var words: String {
        let state = completedAt.map { "unwound at \($0)" } ?? "unwinding"
        let error = lastError.map { "; last error: \($0)" } ?? ""
        return "\(state): orders canceled \(ordersCanceled), positions closed \(positionsClosed)\(error)"
    }
}

/// The answer of `GET /api/v1/stops`.
package struct StopListMessage: Codable, Sendable {
    package var stops: [StopMessage]
    /// Whether Redis is followed.
    package var redisLive: Bool

    enum CodingKeys: String, CodingKey {
        case stops
        case redisLive = "redis_live"
    }

    init(_ overview: StopOverview) {
        stops = overview.stops.map(StopMessage.init).sorted { $0.scope < $1.scope }
        redisLive = overview.isRedisLive
    }
}
