import Glibc
import RiskRules

/// The ids of orders that the ledger counts, as people write them: the ledger itself keeps only what stands for them.
///
/// For who looks at an account, never for a decision. An id of more than 64 bytes is not kept, nor is one from before a
/// restart. Memory that no order has touched is never made real.
final class OrderIDTexts {
    private struct Entry: BitwiseCopyable {
        /// `ReservationID.rawValue`; 0 before the first.
        var reservation: UInt64
        var clientOrderID: NameText
        var orderID: NameText
    }
    private let capacity: Int
    private let base: UnsafeMutablePointer<Entry>

    /// - Parameter capacity: `EngineLimits.maxReservations`.
    init(capacity: Int) {
        self.capacity = capacity
        guard let memory = calloc(max(capacity, 1), MemoryLayout<Entry>.stride) else { fatalError("out of memory") }
        base = memory.bindMemory(to: Entry.self, capacity: max(capacity, 1))
    }

    deinit { free(base) }

    /// A reservation was made of an order with this client's id.
    func note(_ reservation: ReservationID, clientOrderID: NameText) {
        guard reservation.place < capacity else { return }
        base[reservation.place].reservation = reservation.rawValue
        base[reservation.place].clientOrderID = clientOrderID
        base[reservation.place].orderID = NameText()
    }

    /// The endpoint's id of an order has become known.
    func learn(_ reservation: ReservationID, orderID: UnsafeRawBufferPointer) {
        guard reservation.place < capacity, base[reservation.place].reservation == reservation.rawValue,
            base[reservation.place].orderID.count == 0
        else { return }
        base[reservation.place].orderID = NameText(whole: orderID)
    }

    /// The ids of an order; empty where they are not known as text.
    func texts(of reservation: ReservationID) -> (clientOrderID: NameText, orderID: NameText) {
        guard reservation.place < capacity, base[reservation.place].reservation == reservation.rawValue else {
            return (NameText(), NameText())
        }
        return (base[reservation.place].clientOrderID, base[reservation.place].orderID)
    }
}

extension NameText {
    /// All of a text, or nothing of one that is longer.
    init(whole source: UnsafeRawBufferPointer) {
        self = source.count <= Self.capacity ? NameText(source) : NameText()
    }
}
