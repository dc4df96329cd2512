import RiskRules
import Testing

/// What a journal keeps of an engine, by what the engine tells it: the latest image of each reservation that is not gone,
/// and the client order ids.
struct JournalDouble {
    private(set) var images: [UInt64: ReservationImage] = [:]
    /// Of each account, oldest first.
    private(set) var clientOrderIDs: [NameID: [Digest]] = [:]
    /// Approvals as they came, and those that were taken back.
    private(set) var approved: [ReservationImage] = []
    private(set) var forgotten: [ReservationImage] = []
    private var numbers: Set<UInt64> = []

    init() {}

    /// What a journal keeps of an engine, with the names of another.
    init(_ other: JournalDouble, of first: RiskEngine, for second: RiskEngine) throws {
        self = other
        images = try other.images.mapValues { try second.translate($0, from: first) }
        clientOrderIDs = [:]
        for (account, ids) in other.clientOrderIDs {
            clientOrderIDs[try second.translate(.account, account, from: first)] = ids
        }
    }

    mutating func take(_ change: LedgerChange) {
        switch change {
        case .brief(let brief): take(.image(ReservationImage(brief)))
        case .image(let image):
            if images.updateValue(image, forKey: image.number) == nil {
                #expect(numbers.insert(image.number).inserted, "\(image.number) is back")
                approved.append(image)
                if image.remembersID { clientOrderIDs[image.account, default: []].append(image.clientOrderID) }
            }
        case .change(let change):
            #expect(images[change.number]?.account == change.account, "\(change.number) changed and was never there")
            images[change.number]?.apply(change)
        case .gone(let number, let forgetsID, let forgetsNotional):
            guard let image = images.removeValue(forKey: number) else {
                Issue.record("\(number) is gone and was never there")
                return
            }
            if forgetsNotional { forgotten.append(image) }
            guard forgetsID, let place = clientOrderIDs[image.account]?.lastIndex(of: image.clientOrderID) else {
                return
            }
            clientOrderIDs[image.account]?.remove(at: place)
        }
    }

    /// Takes all that an engine tells.
    mutating func drain(_ engine: RiskEngine) {
        engine.drainLedgerChanges {
            take($0)
            return true
        }
        #expect(!engine.hasLedgerChanges)
    }

    /// Takes so much of what an engine tells and no more.
    mutating func drain(_ engine: RiskEngine, atMost count: Int) {
        var left = count
        engine.drainLedgerChanges {
            guard left > 0 else { return false }
            left -= 1
            take($0)
            return true
        }
    }
}

extension RiskEngine {
    /// A name's number in this engine, where another engine has it as `id`.
    func translate(_ kind: NameKind, _ id: NameID, from other: RiskEngine) throws -> NameID {
        try #require(restoreName(kind, other.name(kind, id)))
    }

    /// An image with this engine's numbers in the place of another's.
    func translate(_ image: ReservationImage, from other: RiskEngine) throws -> ReservationImage {
        var image = image
        image.account = try translate(.account, image.account, from: other)
        image.symbol = try translate(.symbol, image.symbol, from: other)
        image.terms.strategy = try translate(.strategy, image.terms.strategy, from: other)
        image.terms.timeInForce = try translate(.timeInForce, image.terms.timeInForce, from: other)
        return image
    }

    /// An order with this engine's numbers in the place of another's.
    func translate(_ order: Order, from other: RiskEngine) throws -> Order {
        var order = order
        order.account = try translate(.account, order.account, from: other)
        order.symbol = try translate(.symbol, order.symbol, from: other)
        order.strategy = try translate(.strategy, order.strategy, from: other)
        order.timeInForce = try translate(.timeInForce, order.timeInForce, from: other)
        return order
    }
}
