extension JournalConfiguration {
    /// The section `journal`.
    init(_ map: inout StrictMapping) {
        self.init()
        segmentBytes = map.integer(
            "segment_bytes", in: JournalFormat.smallestSegment...JournalFiles.longestFile, default: segmentBytes)
        retainedSegments = map.integer("retained_segments", in: 2...1_000_000, default: retainedSegments)
        retention = map.duration("retention", in: .seconds(60)...(.seconds(36_000_000)), default: retention)
    }
}
