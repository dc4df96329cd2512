import Gate
import RiskRules
import SwiftProtobuf
import Testing

/// Refusals in the API's own form.
@Suite struct RejectMessageTests {
    private func mapping(_ response: String) -> String {
        OrderMappingFixture.create(rest: "response: {\(response)}\nreject: message")
            .replacing("/wire.Wire/Create", with: "/wire.Wire/Refuse")
            + "  - path: /wire.Wire/Legacy\n    action: pass\n"
    }

    private func message(_ response: String, clientOrderID: String = "c-1") throws -> [UInt8] {
        let plan = try OrderMappingFixture.plan(mapping(response))
        let encoder = RejectMessageEncoder(plan: plan)
        let parts = try #require(plan.method(0).rejectMessage)
        let framed = try #require(
            Array(clientOrderID.utf8).withUnsafeBytes { id in
                encoder.encode(parts, RejectedViolation(.leverageExceeded), clientOrderID: id).map { Array($0) }
            })
        #expect(framed[0] == 0)
        #expect(framed[1..<5].reduce(0) { $0 << 8 | Int($1) } == framed.count - 5)
        return Array(framed[5...])
    }

    private let sentence = "LEVERAGE_EXCEEDED: the leverage is above its limit"

    @Test func `writes the status, the words and the client's id where the mapping has them`() throws {
        let bytes = try message(
            "status: outcome.code, rejected: [\"-7\", \"3\"], error: outcome.detail.words, client_order_id: outcome.id")
        let verdict = try Wire_Verdict(serializedBytes: bytes)
        #expect(verdict.outcome.code == -7)
        #expect(verdict.outcome.id == "c-1")
        #expect(verdict.outcome.detail.words == sentence)
        // One message with all of it, not one for each field.
        #expect(bytes == (try verdict.serializedBytes()))
    }

    @Test func `leaves out what the mapping does not have, or the order`() throws {
        let bare = try Wire_Verdict(serializedBytes: try message("status: note, rejected: [Refused]"))
        #expect(bare == .with { $0.note = "Refused" })
        let nameless = try Wire_Verdict(
            serializedBytes: try message("status: note, rejected: [no], client_order_id: outcome.id", clientOrderID: "")
        )
        #expect(nameless.note == "no" && nameless.outcome.id.isEmpty)
        let endless = String(repeating: "x", count: 1025)
        let unnamed = try Wire_Verdict(
            serializedBytes: try message(
                "status: note, rejected: [no], client_order_id: outcome.id", clientOrderID: endless))
        #expect(unnamed.note == "no" && unnamed.outcome.id.isEmpty)
        let long = String(endless.dropLast())
        #expect(
            try Wire_Verdict(
                serializedBytes: try message(
                    "status: note, rejected: [no], client_order_id: outcome.raw", clientOrderID: long)
            ).outcome.raw.count == 1024)
    }

    @Test func `takes the first of the fields that an answer may have`() throws {
        let bytes = try message("status: [outcome.detail.words, note], rejected: [no], error: [note, outcome.id]")
        #expect(
            try Wire_Verdict(serializedBytes: bytes)
                == .with {
                    $0.note = sentence
                    $0.outcome.detail.words = "no"
                })
    }

    @Test func `refuses to put two members of one oneof into a message`() throws {
        func problems(_ error: String) throws -> [String] {
            try OrderMappingFixture.problems(mapping("status: this.code, rejected: [\"1\"], error: \(error)"))
        }
        #expect(try problems("that.id").contains { $0.contains("members of one oneof") })
        #expect(try problems("this.id") == [])
    }

    @Test func `a method has no such message unless it asks for it`() throws {
        #expect(try OrderMappingFixture.shipped().method(0).rejectMessage == nil)
    }
}
