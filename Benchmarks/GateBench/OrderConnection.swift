import CLinux
import CNghttp2

/// A client's connection that sends one kind of call, many at once. A subclass decides when, and what becomes of an answer.
class OrderConnection: Connection {
    /// A call in flight. Its address is the stream's user data and the source of its bytes.
    struct Slot {
        var number: UInt64 = 0
        var startedAt: Int64 = 0
        var status: Int32 = -1
        /// Index into `Reasons`, 0 without one.
        var reason: UInt8 = 0
        var hasMessage = false
    }

    let slots: UnsafeMutableBufferPointer<Slot>
    private let message: Message
    private let headers: HeaderBlock
    private let reasons: Reasons?
    /// The grpc-message that came last, kept only for a failure's report.
    private var statusMessage = ""
    /// Streams whose message did not fit into what was left of the other side's window.
    private var held: [Int32] = []

    /// `reasons` collects what the answers' reason header says; without it that header is not looked for.
    init(
        target: Address, poller: Poller, callbacks: OpaquePointer, path: String, message: Message, slots count: Int,
        reasons: Reasons? = nil
    ) throws {
        self.message = message
        self.reasons = reasons
        headers = HeaderBlock([
            ":method": "POST", ":scheme": "http", ":path": path, ":authority": target.authority, "te": "trailers",
            "content-type": "application/grpc", "user-agent": "gate-bench", "x-strategy-id": "bench",
        ])
        slots = .allocate(capacity: count)
        slots.initialize(repeating: Slot())
        try super.init(socket: try target.connect(), poller: poller, isServer: false, callbacks: callbacks)
    }

    deinit { slots.deallocate() }

    /// Submits the settings that the other side waits for.
    func submitSettings() throws {
        var settings = nghttp2_settings_entry(
            settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0)
        let status = nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), &settings, 1)
        guard status == 0 else { throw HTTP2Error(status) }
    }

    /// Hands a call to the session, which sends it with the next `send`, or once the other side allows one more stream.
    /// What came of it when it could not even be handed over.
    func submit(_ slot: UnsafeMutablePointer<Slot>, number: UInt64, startedAt: Int64) -> HTTP2Error? {
        slot.pointee = Slot(number: number, startedAt: startedAt)
        var provider = nghttp2_data_provider()
        provider.source.ptr = UnsafeMutableRawPointer(slot)
        provider.read_callback = { _, stream, buffer, capacity, flags, source, user in
            guard let buffer, let flags, let slot = source?.pointee.ptr, let user else {
                return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
            }
            return Unmanaged<OrderConnection>.fromOpaque(user)._withUnsafeGuaranteedRef {
                $0.write(slot.assumingMemoryBound(to: Slot.self), stream, buffer, capacity, flags)
            }
        }
        let stream = nghttp2_submit_request(session, nil, headers.fields, headers.count, &provider, slot)
        return stream < 0 ? HTTP2Error(stream) : nil
    }

    /// The slot's stream has ended with `code`; the slot is free again once this returns.
    func ended(_ slot: UnsafeMutablePointer<Slot>, code: UInt32) {}

    /// What was wrong with the answer, nil if it is a success with a message.
    func failure(of slot: Slot, code: UInt32) -> String? {
        if code == NGHTTP2_NO_ERROR.rawValue, slot.status == 0, slot.hasMessage { return nil }
        if code != NGHTTP2_NO_ERROR.rawValue { return "stream reset: \(String(cString: nghttp2_http2_strerror(code)))" }
        return slot.status < 0 ? "an answer without grpc-status" : "grpc-status \(slot.status): \(statusMessage)"
    }

    private func write(
        _ slot: UnsafeMutablePointer<Slot>, _ stream: Int32, _ buffer: UnsafeMutablePointer<UInt8>, _ capacity: Int,
        _ flags: UnsafeMutablePointer<UInt32>
    ) -> Int {
        guard capacity >= message.count else {
            held.append(stream)
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        }
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
            Unmanaged<OrderConnection>.fromOpaque(user)._withUnsafeGuaranteedRef {
                $0.header(
                    UnsafeBufferPointer(start: name, count: nameCount), UnsafeBufferPointer(start: value, count: count),
                    slot.assumingMemoryBound(to: Slot.self))
            }
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(made) { _, frame, user in
            guard let frame, let user, frame.pointee.hd.type == NGHTTP2_WINDOW_UPDATE.rawValue else { return 0 }
            Unmanaged<OrderConnection>.fromOpaque(user)._withUnsafeGuaranteedRef { $0.sendHeld() }
            return 0
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made) { session, _, stream, _, count, _ in
            guard count > 0, let slot = nghttp2_session_get_stream_user_data(session, stream) else { return 0 }
            slot.assumingMemoryBound(to: Slot.self).pointee.hasMessage = true
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(made) { session, stream, code, user in
            guard let user, let slot = nghttp2_session_get_stream_user_data(session, stream) else { return 0 }
            Unmanaged<OrderConnection>.fromOpaque(user)._withUnsafeGuaranteedRef {
                $0.ended(slot.assumingMemoryBound(to: Slot.self), code: code)
            }
            return 0
        }
        return made
    }

    private func sendHeld() {
        for stream in held { nghttp2_session_resume_data(session, stream) }
        held.removeAll(keepingCapacity: true)
    }

    private func header(
        _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>, _ slot: UnsafeMutablePointer<Slot>
    ) {
        if name.elementsEqual("grpc-status".utf8) {
            slot.pointee.status = Int32(String(decoding: value, as: UTF8.self)) ?? -1
        } else if name.elementsEqual("grpc-message".utf8) {
            statusMessage = String(decoding: value, as: UTF8.self)
        } else if let reasons, name.elementsEqual(reasons.header) {
            slot.pointee.reason = reasons.index(of: value)
        }
    }
}
