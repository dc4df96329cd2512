/// By when a client must have done what it began, in monotonic nanoseconds. `Int64.max`: nothing of the kind is awaited.
struct ClientDeadlines: BitwiseCopyable {
    /// The bytes that open HTTP/2.
    var preface = Int64.max
    /// Its first SETTINGS.
    var settings = Int64.max
    /// The acknowledgement of ours.
    var acknowledgement = Int64.max
    /// The end of the header block that has begun.
    var headerBlock = Int64.max
    /// When to look whether an order's request is overdue.
    var body = Int64.max
    /// When to look whether bytes that wait were taken.
    var stall = Int64.max
    /// When to look whether it has been silent for too long.
    var idle = Int64.max

    /// The first of them.
    var next: Int64 {
        min(min(min(preface, settings), min(acknowledgement, headerBlock)), min(min(body, stall), idle))
    }

    /// What the connection is to be closed for at `now`, if anything.
    func fault(at now: Int64) -> HTTP2Fault? {
        if preface <= now { return .prefaceTimeout }
        if settings <= now || acknowledgement <= now { return .settingsTimeout }
        if headerBlock <= now { return .headerTimeout }
        return nil
    }
}
