import Crypto

/// Judges checkpoints.
package enum CheckpointReader {
    enum Verdict: Equatable {
        case whole
        case damaged(at: UInt64, String)
    }

    /// Whether a checkpoint is whole: every record follows on the one before it, the last says that nothing is missing, and the
    /// hash in it is that of the bytes before it.
    static func check(_ bytes: UnsafeRawBufferPointer, number: UInt64) -> Verdict {
        guard var scan = SegmentScan(bytes), scan.header.number == number else {
            return .damaged(at: 0, "its header is not that of checkpoint \(number)")
        }
        var records: UInt64 = 0
        while true {
            let start = scan.offset
            switch scan.next() {
            case .record(let header, let body):
                guard header.kind == JournalKind.complete.rawValue else {
                    records += 1
                    continue
                }
                return judge(bytes, start, body, records, end: scan.offset)
            case .end: return .damaged(at: UInt64(start), "it is not complete")
            case .broken(let what): return .damaged(at: UInt64(start), what.description)
            }
        }
    }

    private static func judge(
        _ bytes: UnsafeRawBufferPointer, _ start: Int, _ body: UnsafeRawBufferPointer, _ records: UInt64, end: Int
    ) -> Verdict {
        var decoder = RecordDecoder(body)
        var record = CompleteRecord()
        record.lay(&decoder)
        guard let hash = decoder.take(SegmentChain.Hash.size), record.records == records else {
            return .damaged(at: UInt64(start), "records are missing")
        }
        var hasher = SHA256()
        hasher.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[..<start]))
        guard hash.elementsEqual(hasher.finalize()) else {
            return .damaged(at: UInt64(start), "its bytes are not those that it was made of")
        }
        return end == bytes.count ? .whole : .damaged(at: UInt64(end), "bytes follow on its end")
    }
}
