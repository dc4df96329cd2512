/// A command encoded as Redis reads it (RESP), once for as often as it is sent.
struct RedisCommand {
    private let bytes: [UInt8]

    init(_ arguments: String...) {
        self.init(arguments)
    }

    init(_ arguments: [String]) {
        self.init(bytes: arguments.map { Array($0.utf8) })
    }

    /// Arguments need not be texts.
    init(bytes arguments: [[UInt8]]) {
        var bytes = Array("*\(arguments.count)\r\n".utf8)
        for argument in arguments {
            bytes += Array("$\(argument.count)\r\n".utf8)
            bytes += argument
            bytes += [0x0D, 0x0A]
        }
        // hiredis 0.14 looks for the next argument as in a C string: without an end it reads on into whatever follows.
        self.bytes = bytes + [0]
    }

    /// The command's text and its length, which leaves out the zero behind it.
    func withText<Result>(_ body: (UnsafePointer<CChar>?, Int) -> Result) -> Result {
        bytes.withUnsafeBytes { body($0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count - 1) }
    }
}
