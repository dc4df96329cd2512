import CLinux
import Crypto
import Glibc
import RiskRules

/// Writes what a restart needs into one file, in the records of the journal. It is there whole or not at all.
package struct CheckpointWriter {
    private let path: String
    private let descriptor: Int32
    private let room: UnsafeMutableRawBufferPointer
    private var used = 0
    private var hasher = SHA256()
    private var records: UInt64 = 0
    private var position = JournalPosition.beginning
    private let at: Int64

    private static let roomSize = 1 << 20

    /// Writes a checkpoint of `state`, which holds everything before segment `next`.
    package static func write(
        _ state: JournalState, next: UInt64, in files: JournalFiles, at: Int64
    ) throws(SystemError) {
        let path = files.path(.checkpoint, next)
        var writer = try CheckpointWriter(path: path + ".new", at: at)
        defer { writer.close() }
        try writer.write(state, next: next)
        try checked("fsync \(path).new") { fsync(writer.descriptor) }
        try checked("rename \(path)") { rename(path + ".new", path) }
        try DurableFile(directory: files.directory, name: "").syncDirectory()
    }

    private init(path: String, at: Int64) throws(SystemError) {
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC
        descriptor = try checked("open \(path)") { gate_open(path, flags, 0o600) }
        self.path = path
        self.at = at
        room = .allocate(byteCount: Self.roomSize, alignment: 16)
    }

    private func close() {
        room.deallocate()
        Glibc.close(descriptor)
    }

    private mutating func write(_ state: JournalState, next: UInt64) throws(SystemError) {
        guard let base = room.baseAddress else { return }
        SegmentHeader(
            number: next, previousSequence: position.sequence, previousChecksum: position.checksum, startedAt: at
        ).write(to: base)
        used = JournalFormat.segmentHeaderSize
        try append(
            CheckpointRecord(next: next, sequence: state.position.sequence, checksum: state.position.checksum))
        try names(of: state.engine)
        try state.images.forEach { image throws(SystemError) in try append(ReservationRecord(image: image)) }
        try identifiers(of: state.engine)
        for (account, snapshot) in state.snapshots {
            let room = SnapshotRecord.room(for: snapshot.values)
            try append(SnapshotRecord(snapshot.values, of: account), room: room, at: snapshot.at) { encoder in
                encoder.lists(of: snapshot.values)
            }
        }
        try windows(of: state)
        try complete()
    }

    private mutating func names(of engine: RiskEngine) throws(SystemError) {
        for kind in NameKind.allCases {
            let count = engine.nameCount(kind)
            guard count > 0 else { continue }
            for number in 1...count {
                let text = RecordText(engine.name(kind, NameID(index: number)))
                try append(NameRecord(of: JournalNameKind(kind), number: number, text: text))
            }
        }
    }

    private mutating func identifiers(of engine: RiskEngine) throws(SystemError) {
        let accounts = engine.nameCount(.account)
        guard accounts > 0 else { return }
        for number in 1...accounts {
            let account = NameID(index: number)
            var digests: [RiskRules.Digest] = []
            engine.forEachClientOrderID(of: account) { digests.append($0) }
            var start = 0
            while start < digests.count {
                let chunk = digests[start..<min(start + IdentifiersRecord.most, digests.count)]
                try append(
                    IdentifiersRecord(account: account, count: UInt16(chunk.count)), room: 64 + chunk.count * 16
                ) { encoder in
                    for var digest in chunk { encoder.digest(&digest) }
                }
                start += chunk.count
            }
        }
    }

    private mutating func windows(of state: JournalState) throws(SystemError) {
        var exports: [WindowExport] = []
        state.engine.exportWindows(now: state.at) { exports.append($0) }
        for export in exports {
            try append(WindowRecord(export), room: 128 + export.entries.count * WindowExport.Entry.size) { encoder in
                for var entry in export.entries { entry.lay(&encoder) }
            }
        }
    }

    private mutating func complete() throws(SystemError) {
        try flush()
        let hash = Array(hasher.finalize())
        try append(CompleteRecord(records: records)) { encoder in
            hash.withUnsafeBytes { encoder.put($0) }
        }
        try flush()
    }

    // MARK: Records

    private mutating func append<Record: JournalRecord>(
        _ record: Record, room size: Int = 4096, at: Int64? = nil, _ more: (inout RecordEncoder) -> Void = { _ in }
    ) throws(SystemError) {
        if Self.roomSize - used >= size {
            guard let base = room.baseAddress else { return }
            used += lay(record, at: base + used, time: at, more)
            return
        }
        try flush()
        if size <= Self.roomSize {
            guard let base = room.baseAddress else { return }
            used += lay(record, at: base, time: at, more)
            return
        }
        let large = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        defer { large.deallocate() }
        try put(UnsafeRawBufferPointer(start: large, count: lay(record, at: large, time: at, more)))
    }

    /// Writes a record and returns its size.
    private mutating func lay<Record: JournalRecord>(
        _ record: Record, at base: UnsafeMutableRawPointer, time: Int64?, _ more: (inout RecordEncoder) -> Void
    ) -> Int {
        var record = record
        var encoder = RecordEncoder(base + JournalFormat.recordHeaderSize)
        record.lay(&encoder)
        more(&encoder)
        let end = encoder.cursor
        let size = JournalFormat.recordSize(end - base - JournalFormat.recordHeaderSize)
        end.initializeMemory(as: UInt8.self, repeating: 0, count: base + size - end)
        position.sequence += 1
        records += 1
        let header = RecordHeader(size: size, kind: Record.kind, sequence: position.sequence, at: time ?? at)
        (base + 24).storeBytes(of: 0, as: UInt64.self)
        position.checksum = header.seal(at: base, after: position.checksum)
        base.storeBytes(of: header.word.littleEndian, as: UInt64.self)
        return size
    }

    private mutating func flush() throws(SystemError) {
        let count = used
        used = 0
        try put(UnsafeRawBufferPointer(rebasing: room[..<count]))
    }

    private mutating func put(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        hasher.update(bufferPointer: bytes)
        var written = 0
        while written < bytes.count {
            let start = written
            written += try checked("write \(path)") {
                Glibc.write(descriptor, bytes.baseAddress.map { $0 + start }, bytes.count - start)
            }
        }
    }
}

extension JournalNameKind {
    init(_ kind: NameKind) {
        self =
            switch kind {
            case .account: .account
            case .strategy: .strategy
            case .symbol: .symbol
            case .timeInForce: .timeInForce
            }
    }

    /// nil for what the engine does not number.
    var engineKind: NameKind? {
        switch self {
        case .account: .account
        case .strategy: .strategy
        case .symbol: .symbol
        case .timeInForce: .timeInForce
        case .reason, .rule: nil
        }
    }
}
