import COpenSSL

/// A failure of OpenSSL: what was done, with what, and what OpenSSL says of it.
package struct TLSError: Error, Equatable, CustomStringConvertible {
    package var description: String

    /// Takes what OpenSSL has noted on this thread, and forgets it there.
    init(_ what: String) {
        var reasons: [String] = []
        var text = [CChar](repeating: 0, count: 256)
        while case let code = ERR_get_error(), code != 0 {
            if let reason = ERR_reason_error_string(code) {
                reasons.append(String(cString: reason))
            } else {
                ERR_error_string_n(code, &text, text.count)
                reasons.append(String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
            }
        }
        description = reasons.isEmpty ? what : "\(what): \(reasons.joined(separator: ", "))"
    }
}
