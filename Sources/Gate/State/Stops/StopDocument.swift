import FoundationEssentials

/// A stop or its end as JSON, without its scope: what stands at `gate:stop:{scope}` in Redis.
struct StopValue: Codable {
    var active: Bool
    var epoch: Int64
    var reason: String
    var by: String
    /// RFC 3339 in UTC, to the millisecond.
    var at: String

    init(_ record: StopRecord) {
        active = record.active
        epoch = record.epoch
        reason = record.reason
        by = record.by
        at = Timestamp.text(record.at)
    }

    /// nil where the epoch or the time is none.
    func record(of target: StopTarget) -> StopRecord? {
        guard let at = Timestamp.nanoseconds(at), epoch >= 0 else { return nil }
        return StopRecord(target: target, active: active, epoch: epoch, reason: reason, by: by, at: at)
    }

    static func record(of target: StopTarget, in text: [UInt8]) -> StopRecord? {
        (try? JSONDecoder().decode(Self.self, from: Data(text)))?.record(of: target)
    }

    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try Array(encoder.encode(self))
    }
}

/// The file of latched stops: JSON that a person can read.
package struct StopDocument: Codable {
    /// A stop's value, with its scope beside it.
    struct Entry: Codable {
        var scope: String
        var value: StopValue

        enum CodingKeys: CodingKey { case scope }

        init(_ record: StopRecord) {
            scope = record.target.description
            value = StopValue(record)
        }

        init(from decoder: any Decoder) throws {
            scope = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .scope)
            value = try StopValue(from: decoder)
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(scope, forKey: .scope)
            try value.encode(to: encoder)
        }
    }

    static let currentVersion = 1

    var version: Int
    var stops: [Entry]

    package init(_ records: [StopRecord]) {
        version = Self.currentVersion
        stops = records.map(Entry.init)
    }

    /// What the file says. Throws a sentence about what is wrong with it.
    package static func records(in content: [UInt8]) throws(RefusedValue) -> [StopRecord] {
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
            guard let target = StopTarget(entry.scope), let record = entry.value.record(of: target) else {
                throw RefusedValue("its entry of scope \(entry.scope) cannot be read")
            }
            records.append(record)
        }
        return records
    }

    /// The file's content.
    package func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try Array(encoder.encode(self)) + [0x0A]
    }
}
