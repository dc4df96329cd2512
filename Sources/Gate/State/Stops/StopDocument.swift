import FoundationEssentials

/// The file of latched stops: JSON that a person can read.
struct StopDocument: Codable {
    struct Entry: Codable {
        var scope: String
        var active: Bool
        var epoch: Int64
        var reason: String
        var by: String
        /// RFC 3339 in UTC, to the millisecond.
        var at: String
    }

    static let currentVersion = 1

    var version: Int
    var stops: [Entry]

    init(_ records: [StopRecord]) {
        version = Self.currentVersion
        stops = records.map { record in
            Entry(
                scope: record.target.description, active: record.active, epoch: record.epoch, reason: record.reason,
                by: record.by, at: Timestamp.text(record.at))
        }
    }

    /// What the file says. Throws a sentence about what is wrong with it.
    static func records(in content: [UInt8]) throws(RefusedValue) -> [StopRecord] {
        let document: Self
        do {
            document = try JSONDecoder().decode(Self.self, from: Data(content))
        } catch {
            throw RefusedValue("it is not the JSON that Gate writes")
        }
        guard document.version == currentVersion else {
            throw RefusedValue("its version is \(document.version); this Gate reads version \(currentVersion)")
        }
        var records: [StopRecord] = []
        for entry in document.stops {
            guard let target = StopTarget(entry.scope), let at = Timestamp.nanoseconds(entry.at), entry.epoch >= 0
            else {
                throw RefusedValue("its entry of scope \(entry.scope) cannot be read")
            }
            records.append(
                StopRecord(
                    target: target, active: entry.active, epoch: entry.epoch, reason: entry.reason, by: entry.by, at: at
                ))
        }
        return records
    }

    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try Array(encoder.encode(self)) + [0x0A]
    }
}
