import CLinux
import CNghttp2

/// One connection to the endpoint. A stream has no state of its own: its answer is written when its request has ended.
final class EndpointConnection: Connection {
    private let answers: Answers
    /// Streams whose answer did not fit into what was left of the client's window.
    private var held: [Int32] = []

    init(socket: Int32, poller: Poller, callbacks: OpaquePointer, answers: Answers) throws {
        self.answers = answers
        try super.init(socket: socket, poller: poller, isServer: true, callbacks: callbacks)
    }

    /// Sends the settings, which the client waits for.
    func start() throws -> Bool {
        var settings = nghttp2_settings_entry(
            settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue), value: 1024)
        let status = nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), &settings, 1)
        guard status == 0 else { throw HTTP2Error(status) }
        return try send()
    }

    static func makeCallbacks() throws -> OpaquePointer {
        var made: OpaquePointer?
        let status = nghttp2_session_callbacks_new(&made)
        guard status == 0, let made else { throw HTTP2Error(status) }
        nghttp2_session_callbacks_set_on_frame_recv_callback(made) { _, frame, user in
            guard let frame, let user else { return Int32(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
            return Unmanaged<EndpointConnection>.fromOpaque(user)._withUnsafeGuaranteedRef {
                $0.received(frame.pointee.hd)
            }
        }
        return made
    }

    private func received(_ header: nghttp2_frame_hd) -> Int32 {
        if header.type == NGHTTP2_WINDOW_UPDATE.rawValue {
            for stream in held { nghttp2_session_resume_data(session, stream) }
            held.removeAll(keepingCapacity: true)
            return 0
        }
        let isRequest = header.type == NGHTTP2_DATA.rawValue || header.type == NGHTTP2_HEADERS.rawValue
        guard isRequest, UInt32(header.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0 else { return 0 }
        var provider = nghttp2_data_provider()
        provider.read_callback = { _, stream, buffer, capacity, flags, _, user in
            guard let buffer, let flags, let user else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
            return Unmanaged<EndpointConnection>.fromOpaque(user)._withUnsafeGuaranteedRef {
                $0.answer(stream, buffer, capacity, flags)
            }
        }
        return nghttp2_submit_response(
            session, header.stream_id, answers.headers.fields, answers.headers.count, &provider)
    }

    private func answer(
        _ stream: Int32, _ buffer: UnsafeMutablePointer<UInt8>, _ capacity: Int, _ flags: UnsafeMutablePointer<UInt32>
    ) -> Int {
        guard capacity >= answers.message.count else {
            held.append(stream)
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        }
        answers.message.write(number: answers.nextNumber(), to: buffer)
        flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
        nghttp2_submit_trailer(session, stream, answers.trailers.fields, answers.trailers.count)
        return answers.message.count
    }
}
