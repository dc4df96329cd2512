import CLinux

/// The stops as other threads see them: each call is carried out on the state thread and returns when it is done there.
package struct StopService: StopControl {
    private let state: LoopHandle<StateThread>

    package init(state: LoopHandle<StateThread>) {
        self.state = state
    }

    package func stops() async -> [StopRecord] {
        await withCheckedContinuation { continuation in
            state.execute { continuation.resume(returning: $0.stopsWithProgress) }
        }
    }

    package func stop(
        _ target: StopTarget, reason: String, by person: String
    ) async throws(StopControlError) -> StopRecord {
        try await onStateThread { stops throws(StopControlError) in
            try stops.stop(target, reason: reason, by: person, trigger: .person, wallNow: gate_realtime_ns())
        }
    }

    package func resume(
        _ target: StopTarget, reason: String, authorizedBy person: String
    ) async throws(StopControlError) -> StopRecord {
        try await onStateThread { stops throws(StopControlError) in
            try stops.resume(target, reason: reason, authorizedBy: person, wallNow: gate_realtime_ns())
        }
    }

    private func onStateThread(
        _ body: @escaping @Sendable (StopStore) throws(StopControlError) -> StopRecord
    ) async throws(StopControlError) -> StopRecord {
        let result = await withCheckedContinuation { continuation in
            state.execute { thread in
                continuation.resume(returning: Result { () throws(StopControlError) in try body(thread.stops) })
            }
        }
        return try result.get()
    }
}
