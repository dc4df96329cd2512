/// The violations and tripped stops of the decision in hand, in memory that is used again for each.
final class ViolationList {
    private struct State: BitwiseCopyable {
        var base: UnsafeMutablePointer<Violation>
        var capacity: Int
        var count = 0
        var omitted = 0
        var reason: Reason?
        var stops = 0
    }
    /// One per scope and emergency rule would be unbounded; one decision can set four different stops.
    private static let maximumStops = StopScope.allCases.count

    private let stops: UnsafeMutablePointer<TrippedStop>
    private let state: UnsafeMutablePointer<State>

    init(capacity: Int) {
        let capacity = Swift.max(capacity, 1)
        stops = .allocate(capacity: Self.maximumStops)
        state = .allocate(capacity: 1)
        state.initialize(to: State(base: .allocate(capacity: capacity), capacity: capacity))
    }

    deinit {
        state.pointee.base.deallocate()
        stops.deallocate()
        state.deallocate()
    }

    var reason: Reason? { state.pointee.reason }
    var violations: UnsafeBufferPointer<Violation> {
        UnsafeBufferPointer(start: state.pointee.base, count: state.pointee.count)
    }
    var omitted: Int { state.pointee.omitted }
    var trippedStops: UnsafeBufferPointer<TrippedStop> {
        UnsafeBufferPointer(start: stops, count: state.pointee.stops)
    }

    func removeAll() {
        state.pointee = State(base: state.pointee.base, capacity: state.pointee.capacity)
    }

    /// Runs `body` with a list that nothing is left out of, and empty before and after.
    func withRoom<Result>(for capacity: Int, _ body: () -> Result) -> Result {
        let (base, ordinary) = (state.pointee.base, state.pointee.capacity)
        let wide = UnsafeMutablePointer<Violation>.allocate(capacity: capacity)
        state.pointee = State(base: wide, capacity: capacity)
        defer {
            state.pointee = State(base: base, capacity: ordinary)
            wide.deallocate()
        }
        return body()
    }

    func append(_ violation: Violation) {
        let isReason = violation.blocks && state.pointee.reason == nil
        if isReason { state.pointee.reason = violation.reason }
        if state.pointee.count < state.pointee.capacity {
            (state.pointee.base + state.pointee.count).initialize(to: violation)
            state.pointee.count &+= 1
        } else {
            // The reason of a reject must be shown: it takes the place of an observed violation.
            if isReason { state.pointee.base[state.pointee.capacity - 1] = violation }
            state.pointee.omitted &+= 1
        }
    }

    func append(_ stop: TrippedStop) {
        guard state.pointee.stops < Self.maximumStops else { return }
        (stops + state.pointee.stops).initialize(to: stop)
        state.pointee.stops &+= 1
    }
}
