/// What the journal is told at its start.
package struct JournalConfiguration: Equatable, Sendable {
    /// Bytes of one segment.
    package var segmentBytes = 64 << 20
    /// How many segments are kept that are full; there are one or two more.
    package var retainedSegments = 256
    /// How long a segment is kept after its last record.
    package var retention = Duration.seconds(30 * 86_400)
    package init() {}
}
