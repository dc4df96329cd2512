/// What the mirror counts. Written by the state thread, read by anyone.
package final class MirrorMetrics: Sendable {
    /// What came of reading the keys of one kind.
    package struct Lookups: Sendable {
        let kind: MirrorKind
        let reads: LabelledCounters<MirrorReadLabels>
        let coalesced: LabelledCounters<MirrorKind>

        func count(_ result: MirrorReadLabels.Result) { reads.add(MirrorReadLabels(kind: kind, result: result)) }

        /// Reads so far that gave `result`.
        package func value(_ result: MirrorReadLabels.Result) -> UInt64 {
            reads.value(MirrorReadLabels(kind: kind, result: result))
        }

        /// Announced changes that needed no read of their own, because one was about to be made.
        package var coalescedCount: UInt64 { coalesced.value(kind) }
    }

    private let reads = LabelledCounters<MirrorReadLabels>(
        "gate_mirror_reads_total", help: "Values read from Redis, by what they were found to be.")
    private let coalesced = LabelledCounters<MirrorKind>(
        "gate_mirror_coalesced_total", help: "Announced changes that one read served together with others.")
    /// Attempts to build the link, the first included.
    package let connects = Counter("gate_redis_connects_total", help: "Attempts to connect to Redis.")
    /// Losses of a live link.
    package let losses = Counter("gate_redis_losses_total", help: "Times that Redis was mirrored and is no more.")
    /// Keys of invalidation messages, ours or not.
    package let invalidations = Counter(
        "gate_mirror_invalidations_total", help: "Changes of keys that Redis announced.")

    /// Times that Redis held more of Gate's own keys than are followed.
    package let overflows = Counter(
        "gate_own_keys_overflows_total", help: "Times that Redis held more keys of Gate's own than are followed.")

    package var prices: Lookups { Lookups(kind: .price, reads: reads, coalesced: coalesced) }
    package var accounts: Lookups { Lookups(kind: .account, reads: reads, coalesced: coalesced) }

    package init() {}

    var exposed: [any ExposedMetric] { [connects, losses, invalidations, overflows, reads, coalesced] }
}

/// A value that the mirror read, and what came of it.
package struct MirrorReadLabels: MetricLabels, BitwiseCopyable {
    package enum Result: UInt8, MetricLabelValue, BitwiseCopyable {
        case present
        case absent
        /// There, but not to be used: not a number, out of range, the wrong type …
        case refused
        /// Older than what is mirrored already (a lower `as_of`).
        case outdated

        package static let label = "result"
        package var text: String {
            switch self {
            case .present: "present"
            case .absent: "absent"
            case .refused: "refused"
            case .outdated: "outdated"
            }
        }
    }
    package var kind: MirrorKind
    package var result: Result
    package init(kind: MirrorKind, result: Result) {
        self.kind = kind
        self.result = result
    }

    package static var all: [Self] {
        MirrorKind.allCases.flatMap { kind in Result.allCases.map { Self(kind: kind, result: $0) } }
    }
    package static var capacity: Int { MirrorKind.capacity << 2 }
    package var index: Int { Int(kind.rawValue) << 2 | Int(result.rawValue) }
    package var labels: [MetricLabel] { kind.labels + result.labels }
}
