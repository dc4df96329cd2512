import Foundation
import Gate
import Logging
import RiskRules
import Testing

struct JSONLogHandlerTests {
    /// Runs `body` with a logger that writes to a pipe, and returns its lines.
    private func lines(_ body: (Logger) -> Void) throws -> [[String: String]] {
        let pipe = Pipe()
        let sink = LogSink(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        body(Logger(label: "gate") { JSONLogHandler(label: $0, sink: sink) })
        try pipe.fileHandleForWriting.close()
        let text = try #require(String(data: pipe.fileHandleForReading.readDataToEndOfFile(), encoding: .utf8))
        return try text.split(separator: "\n").map {
            try JSONDecoder().decode([String: String].self, from: Data($0.utf8))
        }
    }

    @Test func `writes one line of JSON with the metadata beside the message`() throws {
        let lines = try lines { log in
            log.warning("a \"quoted\"\nline", metadata: ["scope": "account:A"])
            log.debug("not wanted")
            log.error("second")
        }
        #expect(lines.map { $0["message"] } == ["a \"quoted\"\nline", "second"])
        #expect(lines.map { $0["level"] } == ["warning", "error"])
        #expect(lines.first?["scope"] == "account:A")
        #expect(lines.first?["logger"] == "gate")
        #expect(lines.first?["at"]?.hasSuffix("Z") == true)
    }

    @Test func `cuts what is too long for a line`() throws {
        let long = String(repeating: "x", count: 100_000)
        let lines = try lines { log in
            log.info("\(long)", metadata: ["a": "\(long)"])
            log.info(
                "many", metadata: Dictionary(uniqueKeysWithValues: (0..<100).map { ("\($0)", "\(long.prefix(500))") }))
        }
        #expect(lines.count == 2)
        #expect(lines.first?["message"]?.hasPrefix("xxx") == true)
        #expect(lines.last?["message"] == "many")
    }

    @Test func `a reader that does not read costs lines, not time`() throws {
        let pipe = Pipe()
        let sink = LogSink(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        let log = Logger(label: "gate") { JSONLogHandler(label: $0, sink: sink) }
        var written = 0
        while sink.droppedLines == 0, written < 100_000 {
            log.info("line")
            written += 1
        }
        #expect(sink.droppedLines == 1)
        #expect(written > 100)
        _ = pipe.fileHandleForReading.availableData
        log.info("line")
        #expect(sink.droppedLines == 1)
    }

    @Test func `a refused order is one line with all its numbers`() throws {
        var record = RejectRecord()
        record.decisionID = 77
        record.reason = .leverageExceeded
        record.hasValue = true
        record.value = FixedPoint(units: 110_000_000_000)
        record.hasBound = true
        record.bound = FixedPoint(units: 100_000_000_000)
        record.hasOrder = true
        record.side = .sell
        record.type = .limit
        record.quantity = FixedPoint(units: 5_000_000_000)
        record.price = FixedPoint(units: 500_000_000_000_000)
        for (path, text) in [(\RejectRecord.account, "A"), (\.symbol, "BTCUSDT"), (\.clientOrderID, "c-1")] {
            record[keyPath: path] = Array(text.utf8).withUnsafeBytes { NameText($0) }
        }
        let written = record
        let line = try #require(try lines { DecisionLog(log: $0).write(written) }.first)
        let expected = [
            "message": "order refused", "decision_id": "000000000000004d", "reason": "LEVERAGE_EXCEEDED", "value": "11",
            "bound": "10",
            "account": "A", "symbol": "BTCUSDT", "side": "sell", "type": "limit", "quantity": "0.5", "price": "50000",
            "client_order_id": "c-1",
        ]
        for (key, value) in expected { #expect(line[key] == value, "\(key)") }
        #expect(line["strategy"] == nil && line["rule"] == nil)
    }
}

struct TimestampTests {
    @Test func `every millisecond is written and read as itself`() {
        var random = SplitMix(seed: 7)
        for _ in 0..<2000 {
            let milliseconds = Int64.random(in: 0...4_000_000_000_000, using: &random)
            let nanoseconds = milliseconds * 1_000_000
            #expect(Timestamp.nanoseconds(Timestamp.text(nanoseconds)) == nanoseconds)
            #expect(Timestamp.nanoseconds(Timestamp.text(nanoseconds + 999_999)) == nanoseconds)
        }
        #expect(Timestamp.text(1_760_000_007_919_000_000) == "2025-10-09T08:53:27.919Z")
        #expect(Timestamp.nanoseconds("yesterday") == nil)
    }
}
