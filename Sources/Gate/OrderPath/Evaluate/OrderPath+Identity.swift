import RiskRules

/// Whether the peer of a connection may trade what its calls name. A refusal ends there: what a stranger sends in an account's
/// name is not counted against the account's rates.
extension OrderPath {
    /// Why an order is none of its sender's; nil where it may be judged.
    func identityFailure(
        _ exchange: Exchange.Pointer, account: UnsafeRawBufferPointer, strategy: UnsafeRawBufferPointer
    ) -> DecodeFailure? {
        guard let identities, let client = exchange.pointee.client,
            !client._withUnsafeGuaranteedRef({ $0.origin.isGate })
        else { return nil }
        let binding = client._withUnsafeGuaranteedRef { $0.identity(in: identities) }
        guard identities.covers(binding, account: account) else {
            return DecodeFailure(.accountNotPermitted, Self.foreignAccount)
        }
        guard identities.covers(binding, strategy: strategy) else {
            return DecodeFailure(.strategyNotPermitted, "not one of this connection's strategies")
        }
        return nil
    }

    /// Why a cancel is none of its sender's. Where it does not say whose order it ends, anybody who may trade at all may send it.
    func identityFailure(_ exchange: Exchange.Pointer, cancelOf account: UnsafeRawBufferPointer) -> DecodeFailure? {
        guard let identities, let client = exchange.pointee.client,
            !client._withUnsafeGuaranteedRef({ $0.origin.isGate })
        else { return nil }
        let binding = client._withUnsafeGuaranteedRef { $0.identity(in: identities) }
        let mayCancel = account.isEmpty ? binding != nil : identities.covers(binding, account: account)
        return mayCancel ? nil : DecodeFailure(.accountNotPermitted, Self.foreignAccount)
    }

    private static let foreignAccount: StaticString = "not one of this connection's accounts"
}
