import CLinux
import FoundationEssentials
package import Logging

/// Writes each log record as one line of JSON: `at`, `level`, `logger`, `message`, and the metadata beside them. Keys are in
/// alphabetical order, values are texts.
package struct JSONLogHandler: LogHandler {
    package var logLevel = Logger.Level.info
    package var metadata = Logger.Metadata()
    package var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let sink: LogSink

    /// Every value is cut so that the longest line stays below the sink's.
    private static let maximumValue = 1024

    package init(label: String, sink: LogSink = .standardError) {
        self.label = label
        self.sink = sink
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var fields: [String: String] = [:]
        for (key, value) in metadata { fields[key] = "\(value)" }
        for (key, value) in metadataProvider?.get() ?? [:] { fields[key] = "\(value)" }
        for (key, value) in event.metadata ?? [:] { fields[key] = "\(value)" }
        if let error = event.error { fields["error"] = "\(error)" }
        fields["at"] = Timestamp.text(gate_realtime_ns())
        fields["level"] = event.level.rawValue
        fields["logger"] = label
        fields["message"] = event.message.description
        for (key, value) in fields where value.utf8.count > Self.maximumValue {
            fields[key] = String(value.prefix(Self.maximumValue / 4)) + "…"
        }
        sink.write(Self.line(fields, or: event.message.description))
    }

    private static func line(_ fields: [String: String], or message: String) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let line = try? encoder.encode(fields), line.count < LogSink.maximumLine else {
            // More fields than a line holds: what happened matters most.
            let cut = ["message": String(message.prefix(maximumValue / 4))]
            return (try? Array(encoder.encode(cut)) + [0x0A]) ?? []
        }
        return Array(line) + [0x0A]
    }
}
