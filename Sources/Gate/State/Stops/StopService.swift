import CLinux

/// The stops as other threads see them: each call is carried out on the state thread and returns when it is done
/// there, and, for a short while, when Redis holds it too.
package struct StopService: StopControl {
    private let state: LoopHandle<StateThread>

    package init(state: LoopHandle<StateThread>) {
        self.state = state
    }

    package func stops() async -> StopOverview {
        await withCheckedContinuation { continuation in
            state.execute { thread in
                let stops = thread.stopsWithProgress.map { KnownStop($0, isShared: thread.share.isShared($0.target)) }
                continuation.resume(returning: StopOverview(stops, isRedisLive: thread.mirror.isLive))
            }
        }
    }

    package func stop(
        _ target: StopTarget, reason: String, by person: String
    ) async throws(StopControlError) -> KnownStop {
        try await onStateThread { stops, acknowledge in
            stops.stop(
                target, reason: reason, by: person, trigger: .person, wallNow: gate_realtime_ns(), then: acknowledge)
        }
    }

    package func resume(
        _ target: StopTarget, reason: String, authorizedBy person: String
    ) async throws(StopControlError) -> KnownStop {
        try await onStateThread { stops, acknowledge in
            stops.resume(
                target, reason: reason, authorizedBy: person, wallNow: gate_realtime_ns(), then: acknowledge)
        }
    }

    private func onStateThread(
        _ body: @escaping @Sendable (StopStore, @escaping StopStore.Acknowledge) -> Void
    ) async throws(StopControlError) -> KnownStop {
        typealias Answer = CheckedContinuation<Result<KnownStop, StopControlError>, Never>
        let result = await withCheckedContinuation { (continuation: Answer) in
            state.execute { thread in
                body(thread.stops) { [unowned thread] result in
                    switch result {
                    case .failure(let error): continuation.resume(returning: .failure(error))
                    case .success(let record):
                        thread.share.whenShared(record) {
                            continuation.resume(returning: .success(KnownStop(record, isShared: $0)))
                        }
                    }
                }
            }
        }
        return try result.get()
    }
}
