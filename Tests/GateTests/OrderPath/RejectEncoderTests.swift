import Foundation
import Gate
import RiskRules
import SwiftProtobuf
import Testing

@Suite struct RejectEncoderTests {
    private struct Reject {
        var headers: [(name: String, value: String)]
        var status: Google_Rpc_Status
        var details: [UInt8]

        subscript(name: String) -> String? { headers.first { $0.name == name }?.value }
        func infos() throws -> [Google_Rpc_ErrorInfo] {
            try status.details.map { try Google_Rpc_ErrorInfo(serializedBytes: $0.value) }
        }
    }

    private let encoder = RejectEncoder()

    private func encode(_ violations: [RejectedViolation], omitted: Int = 0) throws -> Reject {
        try Array("3f5a".utf8).withUnsafeBytes { ruleSet in
            try Array("00000000000001af".utf8).withUnsafeBytes { decision in
                try violations.withUnsafeBufferPointer { violations in
                    let fields = encoder.encode(violations, omitted: omitted, ruleSet: ruleSet, decisionID: decision)
                    let headers = fields.map { (name: text($0.name), value: text($0.value)) }
                    let base64 = headers.first { $0.name == "grpc-status-details-bin" }?.value ?? ""
                    #expect(!base64.contains("="))
                    let padded = base64 + String(repeating: "=", count: (4 - base64.count % 4) % 4)
                    let details = [UInt8](try #require(Data(base64Encoded: padded)))
                    return Reject(
                        headers: headers, status: try Google_Rpc_Status(serializedBytes: details), details: details)
                }
            }
        }
    }

    /// Encodes a violation of a rule; its id lives as long as the call.
    private func encode(
        _ reason: Reason, rule: String = "", metric: StaticString = "", value: Int128? = nil, bound: Int128? = nil,
        isMax: Bool = true
    ) throws -> Reject {
        try Array(rule.utf8).withUnsafeBytes { rule in
            try encode([
                RejectedViolation(
                    reason: reason, rule: rule, metric: metric, value: value.map { FixedPoint(units: $0) },
                    bound: bound.map { FixedPoint(units: $0) }, boundIsMax: isMax)
            ])
        }
    }

    private let one = FixedPoint.scale

    @Test func `writes the header fields in their order`() throws {
        let reject = try encode(
            .leverageExceeded, rule: "max-account-leverage", metric: "leverage", value: 11 * one, bound: 10 * one)
        #expect(
            reject.headers.map(\.name) == [
                ":status", "content-type", "grpc-status", "grpc-message", "grpc-status-details-bin", "x-gate-reason",
                "grpc-retry-pushback-ms",
            ])
        #expect(reject[":status"] == "200")
        #expect(reject["content-type"] == "application/grpc")
        #expect(reject["grpc-status"] == "9")
        #expect(reject["grpc-message"] == "LEVERAGE_EXCEEDED: leverage 11 exceeds max 10 (rule max-account-leverage)")
        #expect(reject["x-gate-reason"] == "LEVERAGE_EXCEEDED")
        #expect(reject["grpc-retry-pushback-ms"] == "-1")
        #expect(
            try encode(.orderCompressed).headers.last.map { "\($0)" }
                == "(name: \"grpc-accept-encoding\", value: \"identity\")")
    }

    @Test func `writes details that a protobuf parser reads back`() throws {
        let reject = try encode(
            .leverageExceeded, rule: "max-account-leverage", metric: "leverage", value: 11 * one + one / 2,
            bound: 10 * one)
        #expect(reject.status.code == 9)
        #expect(reject.status.message == "LEVERAGE_EXCEEDED: leverage 11.5 exceeds max 10 (rule max-account-leverage)")
        #expect(reject.status.details.map(\.typeURL) == ["type.googleapis.com/google.rpc.ErrorInfo"])
        let info = try #require(try reject.infos().first)
        #expect(info.reason == "LEVERAGE_EXCEEDED")
        #expect(info.domain == "gate")
        #expect(
            info.metadata == [
                "rule": "max-account-leverage", "metric": "leverage", "value": "11.5", "bound": "10",
                "rule_set": "3f5a",
                "decision_id": "00000000000001af", "forwarded": "false", "fix_ord_rej_reason": "3",
            ])
    }

    @Test func `writes protobuf as short as a library does`() throws {
        let reject = try encode(.leverageExceeded, rule: "r", metric: "leverage", value: one, bound: one)
        // The same bytes but for the order of a map's entries.
        var sum = 0
        for detail in reject.status.details { sum += detail.value.count }
        #expect(sum == (try reject.infos().map { try $0.serializedBytes() as [UInt8] }.map(\.count).reduce(0, +)))
        #expect(reject.details.count == (try reject.status.serializedBytes() as [UInt8]).count)
    }

    @Test func `every reason has its code, status, FIX code and a sentence`() throws {
        for reason in Reason.allCases {
            let reject = try encode([RejectedViolation(reason)])
            #expect(reject["grpc-status"] == "\(reason.status.rawValue)")
            #expect(reject["x-gate-reason"] == reason.code.description)
            let message = try #require(reject["grpc-message"])
            #expect(message.hasPrefix("\(reason.code): ") && message.count > reason.code.description.count + 10)
            let info = try #require(try reject.infos().first)
            #expect(info.metadata["fix_ord_rej_reason"] == "\(reason.fix)")
            #expect(info.metadata["forwarded"] == (reason == .outcomeUnknown ? "true" : "false"))
            #expect(info.metadata["value"] == "" && info.metadata["bound"] == "" && info.metadata["rule"] == "")
        }
    }

    @Test func `says what was compared`() throws {
        let table: [(String?, String)] = [
            (
                try encode(
                    .marginRatioBelowMinimum, rule: "m", metric: "margin_ratio", value: one / 2, bound: one,
                    isMax: false)["grpc-message"],
                "MARGIN_RATIO_BELOW_MINIMUM: margin_ratio 0.5 is below min 1 (rule m)"
            ),
            (
                try encode(.leverageExceeded, rule: "m", metric: "leverage", bound: one)["grpc-message"],
                "LEVERAGE_EXCEEDED: leverage exceeds max 1 (rule m)"
            ),
            (
                try encode(.priceTickInvalid, value: one / 3, bound: one / 10, isMax: false)["grpc-message"],
                "PRICE_TICK_INVALID: price 0.3333333333 is not a multiple of 0.1"
            ),
            (
                try encode(.quantityBelowMinimum, value: one, bound: 2 * one, isMax: false)["grpc-message"],
                "QUANTITY_BELOW_MINIMUM: quantity 1 is below min 2"
            ),
            (
                try encode(.symbolNotPermitted, rule: "not-luna", metric: "symbol")["grpc-message"],
                "SYMBOL_NOT_PERMITTED: the symbol is not permitted (rule not-luna)"
            ),
            (
                try encode(
                    .insufficientMargin, rule: "m", metric: "available_margin", value: -5 * one, bound: 0, isMax: false)[
                        "grpc-message"],
                "INSUFFICIENT_MARGIN: available_margin -5 is below min 0 (rule m)"
            ),
        ]
        for (found, expected) in table { #expect(found == expected) }
        let message = try Array("quantity.text".utf8).withUnsafeBytes { field in
            try encode([RejectedViolation(DecodeFailure(.orderMalformed, "not a decimal number", field: field))])[
                "grpc-message"]
        }
        #expect(message == "ORDER_MALFORMED: not a decimal number (field quantity.text)")
    }

    @Test func `percent-encodes and cuts the message at a whole escape`() throws {
        func message(_ rule: String, count: Int) throws -> String {
            // Three texts of at most 128 bytes: enough to pass the limit.
            try Array(rule.utf8).withUnsafeBytes { rule in
                try Array(String(repeating: "%", count: count).utf8).withUnsafeBytes { field in
                    var violation = RejectedViolation(DecodeFailure(.orderMalformed, "x", field: field))
                    violation.rule = rule
                    return try #require(try encode([violation])["grpc-message"])
                }
            }
        }
        #expect(try message("a%é", count: 1) == "ORDER_MALFORMED: x (field %25) (rule a%25??)")
        for count in 60...80 {
            let found = try message("r", count: count)
            #expect(found.utf8.count <= RejectEncoder.maximumMessageBytes)
            let decoded = try #require(found.removingPercentEncoding, "an escape was cut")
            let whole = "ORDER_MALFORMED: x (field \(String(repeating: "%", count: count))) (rule r)"
            #expect(whole.hasPrefix(decoded))
            if decoded != whole { #expect(found.utf8.count > RejectEncoder.maximumMessageBytes - 3) }
        }
    }

    @Test func `lists violations up to 4 KiB and counts the rest`() throws {
        let rule = Array("a-rule-with-a-name".utf8)
        for count in 1...60 {
            let reject = try rule.withUnsafeBytes { rule in
                try encode(
                    (0..<count).map { index in
                        RejectedViolation(
                            reason: index == 0 ? .leverageExceeded : .concentrationExceeded, rule: rule,
                            metric: "leverage", value: FixedPoint(units: Int128(index)), bound: .zero, boundIsMax: true)
                    })
            }
            #expect(reject.details.count <= 4096)
            let infos = try reject.infos()
            #expect(infos.first?.reason == "LEVERAGE_EXCEEDED")
            for info in infos.dropLast() { #expect(info.metadata["more"] == nil) }
            let more = try #require(infos.last).metadata["more"].flatMap { Int($0) } ?? 0
            #expect(infos.count + more == count)
            if count == 5 { #expect(more == 0) }
            if count == 60 { #expect(more > 0 && reject.details.count > 3600) }
        }
    }

    @Test func `counts violations that were never listed`() throws {
        let reject = try encode([RejectedViolation(.leverageExceeded)], omitted: 1234)
        #expect(try reject.infos().last?.metadata["more"] == "1234")
    }

    @Test func `calls a reject without a reason what it is`() throws {
        #expect(try encode([])["x-gate-reason"] == "INTERNAL")
    }

    @Test func `cuts overlong names and keeps the rest whole`() throws {
        let reject = try encode(.leverageExceeded, rule: String(repeating: "r", count: 10_000), metric: "leverage")
        #expect(try reject.infos().first?.metadata["rule"] == String(repeating: "r", count: 128))
        #expect(try reject.infos().first?.metadata["fix_ord_rej_reason"] == "3")
    }

    @Test func `every metric is written as the rule language does`() {
        for metric in Metric.allCases { #expect(metric.label.description == metric.rawValue) }
    }
}
