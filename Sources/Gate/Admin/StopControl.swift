/// What the admin server and the command line ask of the keeper of the stops.
package protocol StopControl: Sendable {
    /// The latest record of every scope that was ever stopped, active or lifted.
    func stops() async -> StopOverview
    /// Latches a stop; returns its record once it is written down. Stopping again what is stopped renews the record.
    func stop(_ target: StopTarget, reason: String, by person: String) async throws(StopControlError) -> KnownStop
    /// Lifts a stop; returns the record of its end once it is written down.
    func resume(
        _ target: StopTarget, reason: String, authorizedBy person: String
    ) async throws(StopControlError) -> KnownStop
}

/// A stop or its end, and whether the other Gates of the same Redis know of it.
package struct KnownStop: Hashable, Sendable {
    package var record: StopRecord
    /// Redis holds it, or a newer one.
    package var isShared: Bool

    package init(_ record: StopRecord, isShared: Bool) {
        self.record = record
        self.isShared = isShared
    }
}

/// All that is known of stops.
package struct StopOverview: Hashable, Sendable {
    package var stops: [KnownStop]
    /// Whether Redis is followed: stops go to and come from the other Gates.
    package var isRedisLive: Bool

    package init(_ stops: [KnownStop], isRedisLive: Bool) {
        self.stops = stops
        self.isRedisLive = isRedisLive
    }
}

/// Why a stop or its end was not acknowledged. Each case carries what to tell the person.
package enum StopControlError: Error, Equatable, Sendable {
    /// This version does not know stops of the scope.
    case unsupported(String)
    /// There is no active stop to lift.
    case notActive(String)
    /// It could not be written down. A stop is in force all the same, but a restart would forget it.
    case notStored(String)
}
