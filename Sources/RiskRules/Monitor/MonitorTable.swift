/// The findings of the evaluation in hand, in memory that is used again for each: one place for each rule at most.
final class MonitorTable {
    private struct State: BitwiseCopyable {
        var findings: UnsafeMutablePointer<AccountFinding>
        /// Place plus one of each rule's finding; 0 where it has none.
        var places: UnsafeMutablePointer<Int32>
        var capacity: Int
        var count = 0
        var stops = 0
        /// The rule sets installed when the memory was taken.
        var installs = -1
    }
    private static let maximumStops = 64

    private let state: UnsafeMutablePointer<State>
    private let stops: UnsafeMutablePointer<TrippedStop>

    init() {
        state = .allocate(capacity: 1)
        state.initialize(to: State(findings: .allocate(capacity: 1), places: .allocate(capacity: 1), capacity: 0))
        stops = .allocate(capacity: Self.maximumStops)
    }

    deinit {
        state.pointee.findings.deallocate()
        state.pointee.places.deallocate()
        state.deallocate()
        stops.deallocate()
    }

    /// Forgets the evaluation before, and has room for the rules in force.
    func begin(rules: Int, installs: Int) {
        if state.pointee.installs == installs {
            for place in 0..<state.pointee.count { state.pointee.places[Int(state.pointee.findings[place].rule)] = 0 }
        } else {
            if state.pointee.capacity < rules {
                state.pointee.findings.deallocate()
                state.pointee.places.deallocate()
                state.pointee.findings = .allocate(capacity: rules)
                state.pointee.places = .allocate(capacity: rules)
                state.pointee.capacity = rules
            }
            state.pointee.places.initialize(repeating: 0, count: state.pointee.capacity)
            state.pointee.installs = installs
        }
        state.pointee.count = 0
        state.pointee.stops = 0
    }

    var findings: UnsafeBufferPointer<AccountFinding> {
        UnsafeBufferPointer(start: state.pointee.findings, count: state.pointee.count)
    }
    var trippedStops: UnsafeBufferPointer<TrippedStop> {
        UnsafeBufferPointer(start: stops, count: state.pointee.stops)
    }
    var count: Int { state.pointee.count }

    subscript(place: Int) -> UnsafeMutablePointer<AccountFinding> { state.pointee.findings + place }

    /// The finding of a rule; nil where it has none yet.
    func find(_ rule: Int32) -> UnsafeMutablePointer<AccountFinding>? {
        let place = Int(state.pointee.places[Int(rule)])
        return place > 0 ? state.pointee.findings + (place &- 1) : nil
    }

    /// Adds the first finding of a rule of the set in force.
    func append(_ finding: AccountFinding) {
        (state.pointee.findings + state.pointee.count).initialize(to: finding)
        state.pointee.count &+= 1
        state.pointee.places[Int(finding.rule)] = Int32(truncatingIfNeeded: state.pointee.count)
    }

    /// Adds a stop, once.
    func append(_ stop: TrippedStop) {
        for place in 0..<state.pointee.stops where stops[place].scope == stop.scope && stops[place].name == stop.name {
            return
        }
        guard state.pointee.stops < Self.maximumStops else { return }
        (stops + state.pointee.stops).initialize(to: stop)
        state.pointee.stops &+= 1
    }
}
