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
        self.descriptors = descriptors
        var limits = EngineLimits(hashSeed: 1)
        limits.maxAccounts = 8
        limits.maxStrategies = 8
        limits.maxSymbols = 8
        limits.maxPlans = 8
        limits.maxWindowKeys = 8
        limits.clientOrderIDsPerAccount = 8
        self.limits = limits
        orders = OrderDecoder(plan: plan)
        answers = ResponseDecoder(plan: plan)
        observer = ResponseDecoder(plan: plan, itemCapacity: 64)
    }
}
