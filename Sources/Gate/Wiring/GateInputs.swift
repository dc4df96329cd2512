import Glibc
import RiskRules

/// Everything that `gate run` reads before it touches a socket: configuration, order mapping, rules.
struct GateInputs {
    var configuration: GateConfiguration
    var plan: DecodePlan
    /// How stops are unwound; nil where they are not.
    var encoder: OrderEncoder?
    /// Has loaded the first rule set.
    var loader: RuleLoader
    var ruleSet: RuleSet
    var tls: TLSContexts

    /// Reads and judges all of it; throws every problem found.
    static func read(file: String, environment: [String: String]) throws(GateStartError) -> GateInputs {
        let configuration = try configuration(file: file, environment: environment)
        let log = ProblemLog()
        let (plan, encoder) = plan(configuration, into: log)
        let tls = tls(configuration.tls, file: file, into: log)
        let directory = RuleDirectory(reading: configuration.rules.value)
        var loader = RuleLoader()
        let outcome = loader.load(directory, trigger: .requested)
        if directory.isUnreadable, log.isEmpty {
            let reasons = directory.problems.map(\.description).joined(separator: "\n")
            throw .unavailable("\(configuration.rules.location): rules: cannot be read\n\(reasons)")
        }
        if case .refused(let problems) = outcome {
            for problem in problems { log.report(problem) }
        }
        guard let plan, let tls, case .loaded(let ruleSet) = outcome, log.isEmpty else { throw .problems(log.problems) }
        return GateInputs(
            configuration: configuration, plan: plan, encoder: encoder, loader: loader, ruleSet: ruleSet, tls: tls)
    }

    private static func tls(_ settings: TLSSettings, file: String, into log: ProblemLog) -> TLSContexts? {
        do throws(TLSError) {
            return try settings.load()
        } catch {
            log.report("tls: \(error)", at: SourceLocation(file: file, line: 1, column: 1))
            return nil
        }
    }

    private static func plan(
        _ configuration: GateConfiguration, into log: ProblemLog
    ) -> (DecodePlan?, OrderEncoder?) {
        let orders = configuration.orders
        do throws(SystemError) {
            _ = try FileReader.read(orders.value)
        } catch {
            log.report("orders: \(orders.value) cannot be read: \(error)", at: orders.location)
            return (nil, nil)
        }
        let api = OrderMappingLoader.read(orders.value, into: log) { path, limit throws(SystemError) in
            try FileReader.read(path, limit: limit)
        }
        guard let api, let plan = OrderMappingCompiler.compile(api.mapping, descriptors: api.descriptors, into: log)
        else { return (nil, nil) }
        guard configuration.unwind.isEnabled else { return (plan, nil) }
        let unwind = configuration.unwind
        let encoder = OrderEncoderCompiler.compile(
            api.mapping, descriptors: api.descriptors, strategy: unwind.strategy, timeInForce: unwind.timeInForce,
            into: log)
        return (plan, encoder)
    }

    static func configuration(
        file: String, environment: [String: String]
    ) throws(GateStartError) -> GateConfiguration {
        let result = ConfigurationReader.read(file: file, environment: environment, hostName: hostName) {
            path throws(SystemError) in try FileReader.read(path)
        }
        switch result {
        case .success(let configuration): return configuration
        case .failure(let failure): throw .problems(failure.problems)
        }
    }

    private static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "gate" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
