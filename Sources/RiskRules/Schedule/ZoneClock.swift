/// What the clocks of a time zone show: how far they are from UTC, and from when on.
package struct ZoneClock: Sendable {
    /// A stretch of time in which the clocks do not change.
    package struct Span: Hashable, Sendable, BitwiseCopyable {
        /// When it begins, in unix seconds; the first has no beginning, whatever stands here.
        package var start: Int64
        /// Seconds east of UTC.
        package var offset: Int64

        package init(start: Int64, offset: Int64) {
            self.start = start
            self.offset = offset
        }
    }

    private let spans: [Span]

    /// UTC, and every zone whose clocks stand still.
    package init(offset: Int64) { spans = [Span(start: .min, offset: offset)] }

    /// - Parameter spans: in the order of their starts; none is UTC.
    package init(_ spans: [Span]) { self.spans = spans.isEmpty ? [Span(start: .min, offset: 0)] : spans }

    /// The first instant at which the clocks show a local time; where they skip it, the instant at which they do.
    /// - Parameter local: seconds since 1970-01-01 00:00 as the clocks show them.
    func first(showing local: Int64) -> Int64 {
        for index in spans.indices {
            let instant = local - spans[index].offset
            // Before this span began the clocks showed less, so they have skipped what they do not show now.
            if index > 0, instant < spans[index].start { return spans[index].start }
            if index + 1 == spans.count || instant < spans[index + 1].start { return instant }
        }
        return local
    }

    /// The last instant at which the clocks show a local time; where they skip it, the instant at which they do.
    func last(showing local: Int64) -> Int64 {
        for index in spans.indices.reversed() {
            let instant = local - spans[index].offset
            if index + 1 < spans.count, instant >= spans[index + 1].start { return spans[index + 1].start }
            if index == 0 || instant >= spans[index].start { return instant }
        }
        return local
    }
}
