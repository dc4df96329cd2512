import FoundationEssentials

/// The content of `unwind.json`: which stops are being unwound, so that a restart goes on with them, and how far that has come.
package struct UnwindDocument: Codable {
    struct Entry: Codable {
        var scope: String
        var epoch: Int64
        var ordersCanceled: Int
        var positionsClosed: Int
        var completedAt: String?

        enum CodingKeys: String, CodingKey {
            case scope, epoch
            case ordersCanceled = "orders_canceled"
            case positionsClosed = "positions_closed"
            case completedAt = "completed_at"
        }
    }

    static let currentVersion = 1
    /// Counts go on from what is read.
    private static let countRange = 0...Int(Int32.max)
    private var version = Self.currentVersion
    private var unwinding: [Entry]

    init(_ stops: [StopTarget: UnwindPlan.Unwinding]) {
        unwinding = stops.filter { !$0.value.isEnded }
            .map { target, stop in
                Entry(
                    scope: target.description, epoch: stop.epoch, ordersCanceled: stop.progress.ordersCanceled,
                    positionsClosed: stop.progress.positionsClosed,
                    completedAt: stop.progress.completedAt.map(Timestamp.text))
            }
            .sorted { $0.scope < $1.scope }
    }

    /// What the file says, by target. Throws a sentence about what is wrong with it.
    package static func read(
        _ content: [UInt8]
    ) throws(RefusedValue) -> [StopTarget: (epoch: Int64, progress: UnwindProgress)] {
        let document: Self
        do {
            document = try JSONDecoder().decode(Self.self, from: Data(content))
        } catch {
            throw RefusedValue("it is not the JSON that Gate writes")
        }
        guard document.version == currentVersion else {
            throw RefusedValue("its version is \(document.version); this Gate reads version \(currentVersion)")
        }
        var stops: [StopTarget: (epoch: Int64, progress: UnwindProgress)] = [:]
        for entry in document.unwinding {
            guard let target = StopTarget(entry.scope), countRange.contains(entry.ordersCanceled),
                countRange.contains(entry.positionsClosed)
            else {
                throw RefusedValue("its entry of scope \(entry.scope) cannot be read")
            }
            var progress = UnwindProgress()
            progress.ordersCanceled = entry.ordersCanceled
            progress.positionsClosed = entry.positionsClosed
            progress.completedAt = entry.completedAt.flatMap(Timestamp.nanoseconds)
            stops[target] = (entry.epoch, progress)
        }
        return stops
    }

    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try Array(encoder.encode(self)) + [0x0A]
    }
}
