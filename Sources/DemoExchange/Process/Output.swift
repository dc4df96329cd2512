import Foundation

/// Lines on standard output and standard error, written at once.
enum Output {
    static func line(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }
    static func error(_ text: String) { write("demo-exchange: \(text)\n", to: STDERR_FILENO) }
    static func raw(_ text: String) { write(text, to: STDOUT_FILENO) }

    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            // A reader that has gone away is no reason to fail.
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
