import Foundation
import Gate
import RiskRules
import SwiftProtobuf

/// What the targets read with: the shipped mapping and its descriptors.
final class FuzzContext: @unchecked Sendable {
    // Sound to share: decoders keep no state between calls, and a process fuzzes on one thread.
    let descriptors: Google_Protobuf_FileDescriptorSet
    let orders: OrderDecoder
    let answers: ResponseDecoder
    let observer: ResponseDecoder
    let headers = HeaderFields(UnsafeBufferPointer(start: nil, count: 0))
    /// Of a small engine, since one is made for each input.
    let limits: EngineLimits
    /// The shipped rules with windows, which journals are counted by.
    let ruleSet: RuleSet
    /// Unix nanoseconds, the same in every run.
    let wallNow: Int64 = 1_700_000_000_000_000_000
    let prices = [PriceParser(field: ""), PriceParser(field: "price")]

    static let shared = FuzzContext()

    private init() {
        let log = ProblemLog()
        let folder = FuzzFiles.repository.appending(path: "deploy/orders")
        guard let bytes = try? Data(contentsOf: folder.appending(path: "b25.binpb")),
            let descriptors = try? Google_Protobuf_FileDescriptorSet(serializedBytes: [UInt8](bytes)),
            let plan = OrderMappingLoader.load(
                folder.appending(path: "b25.yaml").path, into: log,
                contents: { path, limit throws(SystemError) in try FileReader.read(path, limit: limit) })
        else { fatalError("the shipped mapping cannot be read: \(log.problems)") }
        guard let rules = try? Data(contentsOf: FuzzFiles.repository.appending(path: "rules/rate.yaml")),
            let document = RuleFileReader.read([UInt8](rules), file: "rate.yaml", into: log), log.isEmpty,
            case .success(let ruleSet) = RuleCompiler.compile([document], version: "fuzz")
        else { fatalError("the shipped rules cannot be read: \(log.problems)") }
        self.ruleSet = ruleSet
        self.descriptors = descriptors
        var limits = EngineLimits(hashSeed: 1)
        limits.maxAccounts = 8
        limits.maxStrategies = 8
        limits.maxSymbols = 8
        limits.maxPlans = 8
        limits.maxExposures = 32
        limits.maxReservations = 32
        limits.maxVolatilities = 32
        limits.maxForeignSources = 8
        limits.maxForeignParts = 32
        limits.maxWindowKeys = 8
        limits.clientOrderIDsPerAccount = 8
        self.limits = limits
        orders = OrderDecoder(plan: plan)
        answers = ResponseDecoder(plan: plan)
        observer = ResponseDecoder(plan: plan, itemCapacity: 64)
    }
}
