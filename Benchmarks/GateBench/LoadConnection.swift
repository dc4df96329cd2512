import CLinux
import CNghttp2

/// One connection of the load, with a fixed number of slots of which each has one order in flight.
final class LoadConnection: Connection {
    /// An order in flight. Its address is the stream's user data and the source of its bytes.
    private struct Slot {
        var number: UInt64 = 0
        var submittedAt: Int64 = 0
        var status: Int32 = -1
        var hasMessage = false
    }

    private unowned let load: Load
    private let message: Message
    private let headers: HeaderBlock
    private let slots: UnsafeMutableBufferPointer<Slot>
    /// The grpc-message that came last, kept only for a failure's report.
    private var statusMessage = ""

    init(
        socket: Int32, poller: Poller, callbacks: OpaquePointer, load: Load, authority: String, message: Message,
        streams: Int
    ) throws {
        self.load = load
        self.message = message
        headers = HeaderBlock([
            ":method": "POST", ":scheme": "http", ":path": "/order.OrderService/CreateOrder", ":authority": authority,
            "te": "trailers", "content-type": "application/grpc", "user-agent": "gate-bench",
            "x-strategy-id": "bench",
        ])
        slots = .allocate(capacity: streams)
        slots.initialize(repeating: Slot())
        try super.init(socket: socket, poller: poller, isServer: false, callbacks: callbacks)
    }

    deinit { slots.deallocate() }

    /// Fills all slots.
    func start() throws -> Bool {
        var settings = nghttp2_settings_entry(
            settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0)
        let status = nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), &settings, 1)
        guard status == 0 else { throw HTTP2Error(status) }
        for index in slots.indices {
            if let base = slots.baseAddress { submit(base + index, now: gate_monotonic_ns()) }
        }
        return try send()
    }

    private func submit(_ slot: UnsafeMutablePointer<Slot>, now: Int64) {
        guard let number = load.nextOrder(now: now) else { return }
        slot.pointee = Slot(number: number, submittedAt: now)
        var provider = nghttp2_data_provider()
        provider.source.ptr = UnsafeMutableRawPointer(slot)
        provider.read_callback = { _, _, buffer, capacity, flags, source, user in
            guard let buffer, let flags, let slot = source?.pointee.ptr, let user else {
                return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
            }
            return Unmanaged<LoadConnection>.fromOpaque(user)._withUnsafeGuaranteedRef {
                $0.write(slot.assumingMemoryBound(to: Slot.self), buffer, capacity, flags)
            }
        }
        let stream = nghttp2_submit_request(session, nil, headers.fields, headers.count, &provider, slot)
        if stream < 0 {
            let reason = "HTTP/2: \(String(cString: nghttp2_strerror(stream)))"
            load.answered(submittedAt: now, now: now, failure: reason)
        }
    }

    private func write(
        _ slot: UnsafeMutablePointer<Slot>, _ buffer: UnsafeMutablePointer<UInt8>, _ capacity: Int,
        _ flags: UnsafeMutablePointer<UInt32>
    ) -> Int {
        // Every peer gives back its window long before it is down to the length of one order.
        guard capacity >= message.count else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
        message.write(number: slot.pointee.number, to: buffer)
        flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
        return message.count
    }

    // MARK: What the session reports

    static func makeCallbacks() throws -> OpaquePointer {
        var made: OpaquePointer?
        let status = nghttp2_session_callbacks_new(&made)
        guard status == 0, let made else { throw HTTP2Error(status) }
        nghttp2_session_callbacks_set_on_header_callback(made) {
            session, frame, name, nameCount, value, count, _, user in
            guard let frame, let name, let value, let user,
                let slot = nghttp2_session_get_stream_user_data(session, frame.pointee.hd.stream_id)
            else { return 0 }
            Unmanaged<LoadConnection>.fromOpaque(user)._withUnsafeGuaranteedRef {
                $0.header(
                    UnsafeBufferPointer(start: name, count: nameCount), UnsafeBufferPointer(start: value, count: count),
                    slot.assumingMemoryBound(to: Slot.self))
            }
            return 0
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made) { session, _, stream, _, count, _ in
            guard count > 0, let slot = nghttp2_session_get_stream_user_data(session, stream) else { return 0 }
            slot.assumingMemoryBound(to: Slot.self).pointee.hasMessage = true
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(made) { session, stream, code, user in
            guard let user, let slot = nghttp2_session_get_stream_user_data(session, stream) else { return 0 }
            Unmanaged<LoadConnection>.fromOpaque(user)._withUnsafeGuaranteedRef {
                $0.closed(slot.assumingMemoryBound(to: Slot.self), code)
            }
            return 0
        }
        return made
    }

    private func header(
        _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>, _ slot: UnsafeMutablePointer<Slot>
    ) {
        if name.elementsEqual("grpc-status".utf8) {
            slot.pointee.status = Int32(String(decoding: value, as: UTF8.self)) ?? -1
        } else if name.elementsEqual("grpc-message".utf8) {
            statusMessage = String(decoding: value, as: UTF8.self)
        }
    }

    private func closed(_ slot: UnsafeMutablePointer<Slot>, _ code: UInt32) {
        let now = gate_monotonic_ns()
        let order = slot.pointee
        load.answered(submittedAt: order.submittedAt, now: now, failure: failure(of: order, code))
        submit(slot, now: now)
    }

    private func failure(of order: Slot, _ code: UInt32) -> String? {
        if code == NGHTTP2_NO_ERROR.rawValue, order.status == 0, order.hasMessage { return nil }
        if code != NGHTTP2_NO_ERROR.rawValue { return "stream reset: \(String(cString: nghttp2_http2_strerror(code)))" }
        return order.status < 0 ? "an answer without grpc-status" : "grpc-status \(order.status): \(statusMessage)"
    }
}
