/// The phases of the mirror's link to Redis, without the link: each event returns what to do next.
///
/// Down → subscriber connected → its client id → subscribed → data connections (one a database) → tracking on →
/// everything read anew and a heartbeat seen → live. Whatever is lost anywhere leads back to the beginning: a mirror that may
/// have missed one change knows nothing.
package struct MirrorStateMachine {
    package enum Phase: Equatable, Sendable {
        case down
        case connectingSubscriber
        case askingClientID
        case subscribing(clientID: Int64)
        case connectingData(clientID: Int64, missing: Int)
        case enablingTracking
        case resynchronising(valuesRead: Bool, heartbeatSeen: Bool)
        case live
    }

    package enum Action: Equatable, Sendable {
        case none
        case connectSubscriber
        case askClientID
        case subscribe
        case connectData
        case enableTracking(redirectTo: Int64)
        case resynchronise
        case goLive
        /// Drop every connection, count everything as unknown, and call `retryDue` after so many nanoseconds.
        case retry(after: Int64)
    }

    package private(set) var phase = Phase.down
    /// Times that all addresses were tried in vain since the link was last live; its loss counts as one.
    package private(set) var failures = 0
    /// Which of the addresses is tried, or mirrored.
    package private(set) var address = 0
    private let addresses: Int
    /// Addresses tried in vain since the last pause.
    private var tried = 0
    private let dataConnections: Int

    /// `dataConnections`: one for each database that is mirrored. `addresses`: how many there are to be tried.
    package init(dataConnections: Int, addresses: Int = 1) {
        self.dataConnections = dataConnections
        self.addresses = addresses
    }

    package mutating func retryDue() -> Action {
        guard phase == .down else { return .none }
        phase = .connectingSubscriber
        return .connectSubscriber
    }

    package mutating func subscriberOpened() -> Action {
        guard phase == .connectingSubscriber else { return .none }
        phase = .askingClientID
        return .askClientID
    }

    package mutating func gotClientID(_ clientID: Int64) -> Action {
        guard phase == .askingClientID else { return .none }
        phase = .subscribing(clientID: clientID)
        return .subscribe
    }

    package mutating func subscribed() -> Action {
        guard case .subscribing(let clientID) = phase else { return .none }
        phase = .connectingData(clientID: clientID, missing: dataConnections)
        return .connectData
    }

    package mutating func dataOpened() -> Action {
        guard case .connectingData(let clientID, let missing) = phase else { return .none }
        guard missing == 1 else {
            phase = .connectingData(clientID: clientID, missing: missing - 1)
            return .none
        }
        phase = .enablingTracking
        return .enableTracking(redirectTo: clientID)
    }

    package mutating func trackingEnabled() -> Action {
        guard phase == .enablingTracking else { return .none }
        phase = .resynchronising(valuesRead: false, heartbeatSeen: false)
        return .resynchronise
    }

    /// Every watched key has been read since tracking was enabled.
    package mutating func valuesRead() -> Action {
        guard case .resynchronising(_, let heartbeatSeen) = phase else { return .none }
        return resynchronised(valuesRead: true, heartbeatSeen: heartbeatSeen)
    }

    package mutating func heartbeatSeen() -> Action {
        guard case .resynchronising(let valuesRead, _) = phase else { return .none }
        return resynchronised(valuesRead: valuesRead, heartbeatSeen: true)
    }

    /// A connection was lost, did not come about, or answered what it should not. `random` is from 0 to below 1.
    ///
    /// An address that was mirrored is tried again first: connections break without their Redis. One that was tried in vain
    /// gives way to the next; there is no pause before all have been tried.
    package mutating func lost(random: Double) -> Action {
        let wasLive = phase == .live
        phase = .down
        if !wasLive {
            address = (address + 1) % addresses
            tried += 1
            if tried < addresses { return .retry(after: 0) }
        }
        tried = 0
        let delay = Self.delay(failures: failures, random: random)
        failures += 1
        return .retry(after: delay)
    }

    private mutating func resynchronised(valuesRead: Bool, heartbeatSeen: Bool) -> Action {
        guard valuesRead && heartbeatSeen else {
            phase = .resynchronising(valuesRead: valuesRead, heartbeatSeen: heartbeatSeen)
            return .none
        }
        phase = .live
        failures = 0
        return .goLive
    }

    private static let longestDelay = 250_000_000.0

    /// Nanoseconds until the addresses are tried again: none after the first loss, then 50 ms growing by 1.6 to 250 ms, each
    /// spread by 20 % either way, so that a Redis that is back is found again well within a second.
    static func delay(failures: Int, random: Double) -> Int64 {
        guard failures > 0 else { return 0 }
        var delay = 50_000_000.0
        for _ in 1..<max(failures, 1) where delay < longestDelay { delay *= 1.6 }
        return Int64(min(delay, longestDelay) * (0.8 + 0.4 * random))
    }
}
