/// What answers other than successes said, each text kept once and known by a small number.
final class Reasons {
    /// The header that names the reason.
    let header: [UInt8]
    private var texts: [[UInt8]] = [Array("accepted".utf8), Array("no answer".utf8)]

    static let accepted: UInt8 = 0
    static let unanswered: UInt8 = 1

    init(header: String) { self.header = Array(header.utf8) }

    var names: [String] { texts.map { String(decoding: $0, as: UTF8.self) } }

    /// The number of a text; past 255 different ones that of the last.
    func index(of text: some Collection<UInt8>) -> UInt8 {
        if let known = texts.firstIndex(where: { $0.elementsEqual(text) }) { return UInt8(known) }
        if texts.count <= UInt8.max { texts.append(Array(text)) }
        return UInt8(texts.count - 1)
    }
}
