import Synchronization

/// An asynchronous task whose end the main thread can look for without waiting.
final class BackgroundTask: Sendable {
    private let outcome: Outcome
    private let task: Task<Void, Never>

    init(_ body: @escaping @Sendable () async throws -> Void) {
        let outcome = Outcome()
        self.outcome = outcome
        task = Task {
            do {
                try await body()
                outcome.value.withLock { $0 = .success(()) }
            } catch {
                outcome.value.withLock { $0 = .failure(error) }
            }
        }
    }

    /// Nil while the task runs.
    var result: Result<Void, any Error>? { outcome.value.withLock(\.self) }

    func cancel() { task.cancel() }

    private final class Outcome: Sendable {
        let value = Mutex<Result<Void, any Error>?>(nil)
    }
}
