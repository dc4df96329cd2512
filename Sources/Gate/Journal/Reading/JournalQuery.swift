/// Which records are asked for.
package struct JournalQuery: Sendable {
    /// Unix nanoseconds, both inclusive.
    package var since = Int64.min
    package var until = Int64.max
    /// Empty: all but those that only hold the journal together.
    package var kinds: Set<JournalKind> = []
    /// nil: all.
    package var account: String?

    /// What tells of the journal itself, and not of an order or a person.
    private static let inner: Set<JournalKind> = [.name, .end, .rules]

    package init() {}

    package func wants(_ header: RecordHeader) -> Bool {
        guard header.at >= since, header.at <= until else { return false }
        guard let kind = JournalKind(rawValue: header.kind) else { return kinds.isEmpty }
        return kinds.isEmpty ? !Self.inner.contains(kind) : kinds.contains(kind.full)
    }

    package func wants(_ line: JournalLine) -> Bool {
        guard let account else { return true }
        if case .text(account)? = line["account"] { return true }
        return false
    }

    /// Calls `body` with each line that is asked for, the oldest first. Segments that begin after the last instant, or end before
    /// the first, are not read.
    /// - Returns: where a segment could not be read to its end, and why.
    package func forEachLine(
        in files: JournalFiles, _ body: (JournalLine) -> Void
    ) throws(SystemError) -> [String] {
        var broken: [String] = []
        var pending: (number: UInt64, file: JournalBytes)?
        func print(_ number: UInt64, _ file: JournalBytes) {
            withExtendedLifetime(file) {
                if let what = lines(of: file.bytes, body) { broken.append("\(files.path(.segment, number)): \(what)") }
            }
        }
        for number in files.numbers(.segment) {
            let file = try JournalBytes(reading: files.path(.segment, number))
            let startedAt = withExtendedLifetime(file) { SegmentHeader(file.bytes)?.startedAt }
            // Whether the one before holds anything that is asked for shows where the next begins.
            if let pending, startedAt.map({ $0 >= since }) ?? true { print(pending.number, pending.file) }
            pending = (number, file)
            if let startedAt, startedAt > until {
                return broken
            }
        }
        if let pending { print(pending.number, pending.file) }
        return broken
    }

    /// What is wrong with the record that the lines end at.
    private func lines(of bytes: UnsafeRawBufferPointer, _ body: (JournalLine) -> Void) -> String? {
        guard var scan = SegmentScan(bytes) else { return bytes.endOfContent == 0 ? nil : "its header is not whole" }
        var printer = JournalPrinter()
        while true {
            switch scan.next() {
            case .record(let header, let record):
                let line = printer.line(header, record)
                if wants(header), wants(line) { body(line) }
            case .end: return nil
            case .broken(let what): return "\(scan.offset): \(what)"
            }
        }
    }
}
