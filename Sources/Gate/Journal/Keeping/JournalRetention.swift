import CLinux
import Glibc

/// Removes segments that are too many or too old, and the checkpoints and chains that go with them. What a restart would need is
/// never removed: the two newest checkpoints, and the segments behind the older of them.
package enum JournalRetention {
    static let keptCheckpoints = 2

    /// Which segments are to go: pure.
    /// - Parameters:
    ///   - ages: of each segment in order, the time since its last record.
    package static func surplus(
        of segments: [(number: UInt64, age: Duration)], checkpoints: [UInt64], by configuration: JournalConfiguration
    ) -> [UInt64] {
        guard checkpoints.count >= keptCheckpoints else { return [] }
        let needed = checkpoints[checkpoints.count - keptCheckpoints]
        let complete = segments.count { $0.number < checkpoints[checkpoints.count - 1] }
        let tooMany = complete - configuration.retainedSegments
        return segments.enumerated().filter { place, segment in
            segment.number < needed && (place < tooMany || segment.age > configuration.retention)
        }.map(\.element.number)
    }

    static func apply(
        _ configuration: JournalConfiguration, to files: JournalFiles, wallNow: Int64
    ) throws(SystemError) {
        let segments = files.numbers(.segment).map { number in
            (number: number, age: age(of: files.path(.segment, number), wallNow: wallNow))
        }
        let checkpoints = files.numbers(.checkpoint)
        let surplus = surplus(of: segments, checkpoints: checkpoints, by: configuration)
        // The oldest first: whatever stops this leaves no hole.
        for number in surplus {
            try remove(files.path(.segment, number))
            if files.numbers(.chain).contains(number) { try remove(files.path(.chain, number)) }
        }
        for number in checkpoints.dropLast(keptCheckpoints) { try remove(files.path(.checkpoint, number)) }
    }

    private static func age(of path: String, wallNow: Int64) -> Duration {
        var stamp = gate_file_stamp()
        guard gate_stamp_file(path, &stamp) == 0 else { return .zero }
        return .nanoseconds(max(0, wallNow - stamp.changed_ns))
    }

    private static func remove(_ path: String) throws(SystemError) {
        try checked("unlink \(path)") { unlink(path) }
    }
}
