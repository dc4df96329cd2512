import Foundation
import FuzzTargets

/// The target that `GATE_FUZZ_TARGET` names: libFuzzer keeps the arguments to itself.
enum ChosenTarget {
    static let target: FuzzTarget = {
        let name = ProcessInfo.processInfo.environment["GATE_FUZZ_TARGET"] ?? ""
        guard let target = FuzzTarget(rawValue: name) else {
            let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: " ")
            FileHandle.standardError.write(Data("GATE_FUZZ_TARGET has to be one of: \(names)\n".utf8))
            exit(64)
        }
        return target
    }()
}
