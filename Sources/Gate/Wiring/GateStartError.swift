import RiskRules

/// Why `gate run` did not start, each with its exit code (sysexits.h).
enum GateStartError: Error {
    /// Bad configuration, mapping or rules: every problem, with its place.
    case problems([Problem])
    /// A needed resource (address, directory) is not available.
    case unavailable(String)

    var exitCode: Int32 {
        switch self {
        case .problems: 64
        case .unavailable: 69
        }
    }

    var lines: [String] {
        switch self {
        case .problems(let problems): problems.map(\.description)
        case .unavailable(let message): [message]
        }
    }
}
