/// What the journal tells of itself.
package final class JournalMetrics: Sendable {
    // Written by the order thread.

    /// Of records.
    let bytes = Counter("gate_journal_bytes_total", help: "Bytes of records written to the journal.")
    let unrecorded = Counter(
        "gate_journal_unrecorded_total", help: "Records that could not be written because no segment was ready.")

    // Written by the journal's keeper.

    let syncs = Counter("gate_journal_syncs_total", help: "Times that the journal was brought to the disk.")
    let failures = LabelledCounters<JournalFailure>(
        "gate_journal_failures_total", help: "What the disk refused to the journal, by what was asked of it.")

    package init() {}

    /// Bytes of records.
    package var bytesWritten: UInt64 { bytes.value }
    /// Records that found no room.
    package var unrecordedCount: UInt64 { unrecorded.value }
    /// What the disk refused, of all kinds.
    package var failureCount: UInt64 { JournalFailure.allCases.reduce(0) { $0 + failures.value($1) } }

    var all: [any ExposedMetric] { [bytes, unrecorded, syncs, failures] }
}

/// What the disk can refuse to the journal.
enum JournalFailure: UInt8, MetricLabelValue, BitwiseCopyable {
    /// A new segment.
    case segment
    /// To bring a segment to the disk.
    case sync
    /// The file of a segment's chain.
    case chain
    case checkpoint
    /// To remove what is too old.
    case retention

    static let label = "operation"
    var text: String {
        switch self {
        case .segment: "segment"
        case .sync: "sync"
        case .chain: "chain"
        case .checkpoint: "checkpoint"
        case .retention: "retention"
        }
    }
}
