/// The order mapping, compiled: every message a flat table of its fields, every role of an order a place to take it from.
///
/// One plan covers all mapped methods. Everything a decoder looks at stands in memory of fixed size that is written once,
/// here, so that decoding neither allocates nor counts references.
///
/// Sendable: all stored properties are `let`, the memory behind the pointers is written in `init`, before anybody else has
/// the plan, only read until `deinit`, and freed there. `@unchecked` because pointers are not `Sendable`.
package final class DecodePlan: @unchecked Sendable {
    /// Full method paths (`/order.OrderService/CreateOrder`), in the order of the mapping. An index into this is what
    /// `MethodTable` answers and what decoders are called with.
    package let paths: [String]
    let tables: PlanTables

    init(_ parts: PlanParts) {
        self.paths = parts.paths
        self.tables = PlanTables(
            methods: Self.copy(parts.methods), nodes: Self.copy(parts.nodes), fields: Self.copy(parts.fields),
            direct: Self.copy(parts.direct), choices: Self.copy(parts.choices), sources: Self.copy(parts.sources),
            scales: Self.copy(parts.scales), answerParts: Self.copy(parts.answerParts),
            texts: UnsafeRawBufferPointer(Self.copy(parts.texts)))
    }

    deinit {
        tables.methods.deallocate()
        tables.nodes.deallocate()
        tables.fields.deallocate()
        tables.direct.deallocate()
        tables.choices.deallocate()
        tables.sources.deallocate()
        tables.scales.deallocate()
        tables.answerParts.deallocate()
        tables.texts.deallocate()
    }

    /// The plan of one method, by its index in `paths`; valid as long as this object.
    package func method(_ index: Int) -> MethodPlan { tables.methods[index] }

    private static func copy<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafeBufferPointer<Element> {
        let memory = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = memory.initialize(from: elements)
        return UnsafeBufferPointer(memory)
    }
}

/// The memory of a `DecodePlan`, to be used by whoever keeps the plan itself alive.
struct PlanTables: BitwiseCopyable {
    let methods: UnsafeBufferPointer<MethodPlan>
    let nodes: UnsafeBufferPointer<MessageNode>
    let fields: UnsafeBufferPointer<MessageField>
    /// Field numbers to fields, for the low numbers of each node: see `MessageNode.direct`.
    let direct: UnsafeBufferPointer<Int32>
    let choices: UnsafeBufferPointer<Choice>
    let sources: UnsafeBufferPointer<FieldSource>
    let scales: UnsafeBufferPointer<DecimalScale>
    let answerParts: UnsafeBufferPointer<AnswerPart>
    fileprivate let texts: UnsafeRawBufferPointer

    func text(_ text: PlanText) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: texts[text.offset..<text.offset + text.count])
    }

    /// A source where it stands: it is too large to be passed around. nil for none.
    func source(_ id: SourceID) -> UnsafePointer<FieldSource>? {
        id == .absent ? nil : sources.baseAddress.map { $0 + Int(id.index) }
    }
}

/// What the compiler collects before it makes a plan of it.
struct PlanParts {
    var paths: [String] = []
    var methods: [MethodPlan] = []
    var nodes: [MessageNode] = []
    var fields: [MessageField] = []
    var direct: [Int32] = []
    var choices: [Choice] = []
    private(set) var sources: [FieldSource] = [.absent(name: .none)]
    var scales: [DecimalScale] = []
    var answerParts: [AnswerPart] = []
    private(set) var texts: [UInt8] = []

    /// Stores where a role is taken from.
    mutating func store(_ source: FieldSource) -> SourceID {
        sources.append(source)
        return SourceID(index: Int32(sources.count - 1))
    }

    /// Stores a text and says where it stands.
    mutating func store(_ text: String) -> PlanText { store(Array(text.utf8)) }

    /// Stores bytes and says where they stand.
    mutating func store(_ bytes: [UInt8]) -> PlanText {
        defer { texts += bytes }
        return PlanText(offset: texts.count, count: bytes.count)
    }
}

/// Where a text stands in the plan's memory.
package struct PlanText: Sendable, BitwiseCopyable {
    let offset: Int
    let count: Int
    static let none = PlanText(offset: 0, count: 0)
}

/// What a mapped method does.
package enum MethodAction: String, CaseIterable, Sendable, BitwiseCopyable {
    /// An order, to be decided.
    case create
    /// An order in the place of another, to be decided.
    case replace
    /// Ends an order; forwarded whatever it says.
    case cancel
    /// Not Gate's business.
    case pass

    /// Whether it can open something: it is decided, reserved and counted as an order.
    package var isOrder: Bool { self == .create || self == .replace }
}

/// What an order that names no type is taken for.
package enum DefaultType: String, CaseIterable, Sendable, BitwiseCopyable {
    case limit = "LIMIT"
    case market = "MARKET"
    /// A limit order where there is a price, else a market order.
    case byPrice = "by_price"
}

/// One mapped method: how its request and its answer are read.
package struct MethodPlan: Sendable, BitwiseCopyable {
    package let action: MethodAction
    /// Whether the answers are read in passing: `response` is then how.
    package let observes: Bool
    let request: RequestPlan
    let response: ResponsePlan
    /// The message that refuses a call; nil: a gRPC status does.
    package let rejectMessage: RejectMessagePlan?
    /// Bit n set: an answer with gRPC status n says that the order was not accepted, whatever else is unknown.
    private let definitiveStatuses: UInt32

    init(
        action: MethodAction, request: RequestPlan, response: ResponsePlan, rejectMessage: RejectMessagePlan?,
        definitiveStatuses: UInt32, observes: Bool = false
    ) {
        self.action = action
        self.observes = observes
        self.request = request
        self.response = response
        self.rejectMessage = rejectMessage
        self.definitiveStatuses = definitiveStatuses
    }

    /// Whether a call holds a list of orders.
    package var isBatch: Bool { request.itemNode >= 0 }

    /// Whether an answer says of each of several orders what became of it.
    package var answersEach: Bool { response.itemNode >= 0 }

    /// Whether an answer with this gRPC status says that the order was not accepted (`response.definitive`).
    package func isDefinitive(status: UInt32) -> Bool {
        status < 32 && definitiveStatuses & (1 << status) != 0
    }
}

/// Where each role of an order is taken from. A role that is not mapped is `.absent`.
struct RequestPlan: Sendable, BitwiseCopyable {
    /// The request message; -1 where nothing of it is read.
    var node: Int32 = -1
    /// An order of a batch; -1 where the message is the order.
    var itemNode: Int32 = -1
    /// nil: such an order is malformed.
    var defaultType: DefaultType?
    /// Whether symbols are taken in upper case.
    var foldsSymbol = false
    var account = SourceID.absent
    var strategy = SourceID.absent
    var symbol = SourceID.absent
    var side = SourceID.absent
    var type = SourceID.absent
    var quantity = SourceID.absent
    var price = SourceID.absent
    var stopPrice = SourceID.absent
    var timeInForce = SourceID.absent
    var reduceOnly = SourceID.absent
    var clientOrderID = SourceID.absent
    var orderID = SourceID.absent
    var replaces = SourceID.absent
    var replacesClientOrderID = SourceID.absent
}

/// Where each part of an answer is taken from.
struct ResponsePlan: Sendable, BitwiseCopyable {
    /// The response message; -1 where nothing of it is read.
    var node: Int32 = -1
    /// What an answer about several orders says of one of them; -1 where it does not say it.
    var itemNode: Int32 = -1
    var orderID = SourceID.absent
    var clientOrderID = SourceID.absent
    /// Only of what passes.
    var account = SourceID.absent
    var status = SourceID.absent
    var filled = SourceID.absent
    var error = SourceID.absent
}

/// Where a `FieldSource` stands in `DecodePlan.sources`.
struct SourceID: Sendable, BitwiseCopyable, Equatable {
    var index: Int32
    /// Nowhere: there is no such role.
    static let absent = SourceID(index: 0)
}

/// Where one role's value comes from and how it is to be read.
struct FieldSource: Sendable, BitwiseCopyable {
    enum Origin: UInt8, Sendable, BitwiseCopyable { case absent, message, header, constant }
    var origin: Origin
    /// The protobuf type of a message's field; `.string` for headers and constants.
    var type: WireFieldType
    /// Whether the message can tell "not given" from the type's zero; without it a zero is "not given".
    var hasPresence: Bool
    /// Index of the value in the reader's slots, where the origin is the message.
    var slot: UInt8
    /// The header's name, or the constant's text.
    var text: PlanText
    /// What a reject calls the field.
    var name: PlanText
    /// The values this role knows: a range of `DecodePlan.choices`.
    var firstChoice: Int32
    var choiceCount: Int32
    /// What its integers are counted in: an index into `DecodePlan.scales`, -1: they stand for themselves.
    var scale: Int32 = -1
    /// Where the value comes from if it is not given here.
    var next = SourceID.absent

    static func absent(name: PlanText) -> FieldSource {
        FieldSource(
            origin: .absent, type: .string, hasPresence: true, slot: 0, text: .none, name: name, firstChoice: 0,
            choiceCount: 0)
    }
}

/// One value that a side, a type, a time in force, a flag or a status may have on the wire, and what it means.
struct Choice: Sendable, BitwiseCopyable {
    /// The value on the wire, of enums, integers and booleans.
    var number: Int64
    /// The value on the wire, of strings.
    var key: PlanText
    /// Whether `key` is in upper case and matches in any case.
    var foldsKey: Bool
    /// The value means that none is given (an enum's `…_UNSPECIFIED`).
    var isUnspecified: Bool
    /// The raw value of a `Side`, an `OrderType` or an `OrderAnswer.Outcome`; 0 and 1 of a flag.
    var code: UInt8
    /// What a time in force is called.
    var text: PlanText
}

/// One message: its fields stand together in `DecodePlan.fields`, by rising number.
struct MessageNode: Sendable, BitwiseCopyable {
    var firstField: Int32
    var fieldCount: Int32
    /// Where this node's part of `DecodePlan.direct` begins: entry n is the index of field n, or -1; for n < `directCount`.
    var direct: Int32
    var directCount: Int32
}

/// One declared field of a message.
struct MessageField: Sendable, BitwiseCopyable {
    var number: UInt32
    var type: WireFieldType
    var isRepeated: Bool
    /// Where its value goes; -1: only checked.
    var slot: Int8
    /// The node of a message field, -1 for others.
    var child: Int32
    /// Slots that this field empties when it appears: those of the other members of its oneof. The bit of
    /// `MessageReader.itemSlot` stands for the items.
    var clears: UInt64
    var name: PlanText
}

/// The types a field can be declared with, by how they stand on the wire.
package enum WireFieldType: UInt8, CaseIterable, Sendable, BitwiseCopyable {
    case double, float, int64, uint64, int32, fixed64, fixed32, bool, string, message, bytes, uint32, enumeration
    case sfixed32, sfixed64, sint32, sint64

    /// The wire type its values have (outside a packed list).
    var wireType: UInt32 {
        switch self {
        case .int64, .uint64, .int32, .bool, .uint32, .enumeration, .sint32, .sint64: 0
        case .double, .fixed64, .sfixed64: 1
        case .string, .message, .bytes: 2
        case .float, .fixed32, .sfixed32: 5
        }
    }
}
