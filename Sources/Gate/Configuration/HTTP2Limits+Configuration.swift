extension HTTP2Limits {
    /// Reads the keys of `limits` that concern HTTP/2. The lowest values that are taken still let a gRPC client work.
    init(_ map: inout StrictMapping) {
        self.init()
        headerBytes = map.integer("max_header_bytes", in: 4096...262_144, default: headerBytes)
        headerFields = map.integer("max_header_fields", in: 32...1024, default: headerFields)
        continuationFrames = map.integer("max_continuation_frames", in: 2...64, default: continuationFrames)
        oversizedHeaders = map.integer("max_oversized_headers", in: 0...Self.many, default: oversizedHeaders)
        settingsEntries = map.integer("max_settings_entries", in: 8...1024, default: settingsEntries)
        queuedAcknowledgements = map.integer(
            "max_queued_acknowledgements", in: 8...100_000, default: queuedAcknowledgements)
        queuedFrames = map.integer("max_queued_frames", in: 256...Self.many, default: queuedFrames)
        bufferedBytes = map.integer("max_buffered_bytes", in: 1_048_576...1_099_511_627_776, default: bufferedBytes)
        callsPerTurn = map.integer("max_calls_per_turn", in: 1...100_000, default: callsPerTurn)

        resets = map.rate("resets", default: resets)
        prematureResets = map.rate("premature_resets", default: prematureResets)
        provokedResets = map.integer("max_provoked_resets", in: 0...Self.many, default: provokedResets)
        controlFrames = map.rate("control_frames", default: controlFrames)
        emptyFrames = map.integer("max_empty_frames", in: 1...Self.many, default: emptyFrames)
        dribbledFrames = map.rate("dribbled_frames", default: dribbledFrames)

        prefaceTimeout = map.duration("preface_timeout", in: Self.times, default: prefaceTimeout)
        settingsTimeout = map.duration("settings_timeout", in: Self.times, default: settingsTimeout)
        settingsAcknowledgementTimeout = map.duration(
            "settings_acknowledgement_timeout", in: Self.times, default: settingsAcknowledgementTimeout)
        headerTimeout = map.duration("header_timeout", in: Self.times, default: headerTimeout)
        bodyTimeout = map.duration("body_timeout", in: Self.times, default: bodyTimeout)
        stallTimeout = map.duration("stall_timeout", in: Self.times, default: stallTimeout)
        idleTimeout = map.duration("idle_timeout", in: .seconds(1)...(.seconds(30 * 86_400)), default: idleTimeout)
    }

    private static let many = 1_000_000
    private static let times = Duration.milliseconds(100)...(.seconds(3600))
}

extension StrictMapping {
    /// `…_burst` and `…_per_second`, each from one to a million.
    mutating func rate(_ name: String, default standard: HTTP2Limits.Rate) -> HTTP2Limits.Rate {
        HTTP2Limits.Rate(
            burst: integer("\(name)_burst", in: 1...1_000_000, default: standard.burst),
            perSecond: integer("\(name)_per_second", in: 1...1_000_000, default: standard.perSecond))
    }
}
