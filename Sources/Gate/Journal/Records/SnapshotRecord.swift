import RiskRules

/// An account's state as its keeper wrote it: the fixed fields, then its positions, pending orders and returns.
struct SnapshotRecord: JournalRecord {
    static let kind = JournalKind.snapshot
    /// nil: the keeper named none, which is not the same as an empty list.
    typealias Count = UInt32?

    var account = NameID.none
    var sequence: Int64?
    /// Unix nanoseconds.
    var asOf: Int64?
    var equity: FixedPoint?
    var balance: FixedPoint?
    var unrealizedPnL: FixedPoint?
    var marginUsed: FixedPoint?
    var availableMargin: FixedPoint?
    var peakEquity: FixedPoint?
    var dailyStartEquity: FixedPoint?
    var positions: Count = nil
    var pendingOrders: Count = nil
    var returns: Count = nil

    init() {}

    init(_ values: AccountSnapshot.Values, of account: NameID) {
        self.account = account
        sequence = values.seq
        asOf = values.asOf
        equity = values.equity
        balance = values.balance
        unrealizedPnL = values.unrealizedPnL
        marginUsed = values.marginUsed
        availableMargin = values.availableMargin
        peakEquity = values.peakEquity
        dailyStartEquity = values.dailyStartEquity
        positions = values.positions.map { UInt32($0.count) }
        pendingOrders = values.pendingOrders.map { UInt32($0.count) }
        returns = values.returns.map { UInt32($0.count) }
    }

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.name(&account)
        codec.integer(&sequence)
        codec.integer(&asOf)
        codec.number(&equity)
        codec.number(&balance)
        codec.number(&unrealizedPnL)
        codec.number(&marginUsed)
        codec.number(&availableMargin)
        codec.number(&peakEquity)
        codec.number(&dailyStartEquity)
        Self.count(&positions, &codec)
        Self.count(&pendingOrders, &codec)
        Self.count(&returns, &codec)
    }

    private static func count<Codec: RecordCodec>(_ count: inout Count, _ codec: inout Codec) {
        var number = count ?? .max
        codec.integer(&number)
        count = number == .max ? nil : number
    }
}

/// A position of a snapshot, behind the fixed fields.
struct SnapshotPosition: BitwiseCopyable {
    var quantity = FixedPoint.zero
    var currentPrice: FixedPoint?
    var symbol = RecordText()

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.number(&quantity)
        codec.number(&currentPrice)
        codec.length(of: &symbol)
        codec.content(of: &symbol)
    }
}

/// A pending order of a snapshot, behind its positions.
struct SnapshotOrder: BitwiseCopyable {
    var side = Side.buy
    var hasClientOrderID = false
    var hasOrderID = false
    var quantity = FixedPoint.zero
    var price: FixedPoint?
    var symbol = RecordText()
    var clientOrderID = RecordText()
    var orderID = RecordText()

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.choice(&side)
        codec.flag(&hasClientOrderID)
        codec.flag(&hasOrderID)
        codec.number(&quantity)
        codec.number(&price)
        codec.length(of: &symbol)
        codec.length(of: &clientOrderID)
        codec.length(of: &orderID)
        codec.content(of: &symbol)
        codec.content(of: &clientOrderID)
        codec.content(of: &orderID)
    }
}

extension SnapshotRecord {
    /// Room that the record of a snapshot takes at most, texts and padding included.
    static func room(for values: AccountSnapshot.Values) -> Int {
        let text = JournalFormat.longestText + 2
        let position = 32 + 16
        let order = 3 + 32 + 16
        var size = JournalFormat.recordHeaderSize + 256
        for one in values.positions ?? [] { size += position + min(one.symbol.utf8.count, text) }
        for one in values.pendingOrders ?? [] {
            size +=
                order + min(one.symbol.utf8.count, text) + min(one.clientOrderID?.utf8.count ?? 0, text)
                + min(one.orderID?.utf8.count ?? 0, text)
        }
        return size + (values.returns?.count ?? 0) * 8
    }
}

extension RecordEncoder {
    /// Writes the lists that stand behind a snapshot's fixed fields.
    mutating func lists(of values: AccountSnapshot.Values) {
        for one in values.positions ?? [] {
            var symbol = one.symbol
            symbol.withUTF8 {
                var position = SnapshotPosition(
                    quantity: one.quantity, currentPrice: one.currentPrice,
                    symbol: RecordText(UnsafeRawBufferPointer($0)))
                position.lay(&self)
            }
        }
        for one in values.pendingOrders ?? [] { order(one) }
        for one in values.returns ?? [] {
            var bits = one.bitPattern
            integer(&bits)
        }
    }

    private mutating func order(_ one: AccountSnapshot.PendingOrder) {
        var symbol = one.symbol
        var clientOrderID = one.clientOrderID ?? ""
        var orderID = one.orderID ?? ""
        symbol.withUTF8 { symbol in
            clientOrderID.withUTF8 { clientOrderID in
                orderID.withUTF8 { orderID in
                    var record = SnapshotOrder(
                        side: one.side, hasClientOrderID: one.clientOrderID != nil, hasOrderID: one.orderID != nil,
                        quantity: one.quantity, price: one.price, symbol: RecordText(UnsafeRawBufferPointer(symbol)),
                        clientOrderID: RecordText(UnsafeRawBufferPointer(clientOrderID)),
                        orderID: RecordText(UnsafeRawBufferPointer(orderID)))
                    record.lay(&self)
                }
            }
        }
    }
}

extension RecordDecoder {
    /// Reads a snapshot whole; nil where the bytes are none.
    mutating func snapshot() -> (account: NameID, values: AccountSnapshot.Values)? {
        var record = SnapshotRecord()
        record.lay(&self)
        guard !isDamaged else { return nil }
        var values = AccountSnapshot.Values()
        values.seq = record.sequence
        values.asOf = record.asOf
        values.equity = record.equity
        values.balance = record.balance
        values.unrealizedPnL = record.unrealizedPnL
        values.marginUsed = record.marginUsed
        values.availableMargin = record.availableMargin
        values.peakEquity = record.peakEquity
        values.dailyStartEquity = record.dailyStartEquity
        values.positions = list(record.positions) { decoder in
            var position = SnapshotPosition()
            position.lay(&decoder)
            return AccountSnapshot.Position(
                symbol: position.symbol.string, quantity: position.quantity, currentPrice: position.currentPrice)
        }
        values.pendingOrders = list(record.pendingOrders) { decoder in
            var order = SnapshotOrder()
            order.lay(&decoder)
            return AccountSnapshot.PendingOrder(
                clientOrderID: order.hasClientOrderID ? order.clientOrderID.string : nil,
                orderID: order.hasOrderID ? order.orderID.string : nil, symbol: order.symbol.string, side: order.side,
                quantity: order.quantity, price: order.price)
        }
        values.returns = list(record.returns) { decoder in
            var bits: UInt64 = 0
            decoder.integer(&bits)
            return Double(bitPattern: bits)
        }
        return isDamaged ? nil : (record.account, values)
    }

    private mutating func list<Element>(
        _ count: SnapshotRecord.Count, _ read: (inout RecordDecoder) -> Element
    ) -> [Element]? {
        guard let count else { return nil }
        var elements: [Element] = []
        // A count that lies ends at the last byte.
        while elements.count < count, !isDamaged { elements.append(read(&self)) }
        return elements
    }
}

extension RecordText {
    /// The text, for people; what is not UTF-8 in it is shown as such.
    package var string: String { String(decoding: bytes, as: UTF8.self) }
}
