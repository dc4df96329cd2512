import CFuzzer
import Foundation
import FuzzTargets

/// `gate-fuzz TARGET [libFuzzer's own arguments]`: feeds one target for as long as it is told, guided by what its inputs reach.
@main
enum GateFuzz {
    nonisolated(unsafe) private static var target = FuzzTarget.framing

    static func main() {
        let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: " ")
        guard CommandLine.arguments.count > 1, let chosen = FuzzTarget(rawValue: CommandLine.arguments[1]) else {
            FileHandle.standardError.write(
                Data("usage: gate-fuzz TARGET [libFuzzer arguments]; targets: \(names)\n".utf8))
            exit(64)
        }
        target = chosen
        var arguments: [UnsafeMutablePointer<CChar>?] =
            ([CommandLine.arguments[0]] + CommandLine.arguments.dropFirst(2)).map { strdup($0) } + [nil]
        var count = Int32(arguments.count - 1)
        let result = arguments.withUnsafeMutableBufferPointer { buffer in
            var base = buffer.baseAddress
            return LLVMFuzzerRunDriver(&count, &base) { bytes, size in
                do {
                    try GateFuzz.target.run(UnsafeRawBufferPointer(start: bytes, count: size))
                } catch {
                    fatalError("\(error)")
                }
                return 0
            }
        }
        exit(result)
    }
}
