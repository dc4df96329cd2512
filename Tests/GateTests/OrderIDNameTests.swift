import Gate
import RiskRules
import Testing

struct OrderIDNameTests {
    private func text(_ text: String) -> NameText {
        var text = text
        return text.withUTF8 { NameText(UnsafeRawBufferPointer($0)) }
    }

    @Test func `an id is called by its text, else by its digest, and none is none`() {
        let digest = Digest(low: 0xAB, high: 0x1234_5678_9ABC_DEF0)
        #expect(OrderIDName(text("c-1"), digest).text == "c-1")
        #expect(OrderIDName(NameText(), digest).text == "digest:123456789abcdef000000000000000ab")
        #expect(OrderIDName(NameText(), .none).text == nil)
    }

    @Test func `a digest is read back, and nothing else is taken for one`() {
        let digest = Digest(low: 1, high: .max)
        #expect(OrderIDName(NameText(), digest).text.flatMap(OrderIDName.digest) == digest)
        let digits = String(repeating: "0", count: 32)
        for other in [
            digits, "digest:", "digest:" + digits.dropLast(), "digest:0" + digits, "digest:x" + digits.dropLast(),
        ] {
            #expect(OrderIDName.digest(other) == nil, "\(other)")
        }
    }
}
