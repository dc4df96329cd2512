import CNghttp2
import Glibc

/// Which end of a connection a session is.
package enum HTTP2Role: BitwiseCopyable {
    case server, client
}

/// What a session announces to its peer.
package struct HTTP2Settings: Sendable {
    /// Streams that the peer may have open at once. Servers announce it; a client's peer opens none.
    package var maximumConcurrentStreams: UInt32
    /// Receive window of a stream, bytes.
    package var streamWindow: UInt32
    /// Receive window of the connection, bytes.
    package var connectionWindow: Int32
    /// Size of a header block that the peer should not exceed (advice only).
    package var headerListSize = HeaderBlock.maximumSize

    package init(maximumConcurrentStreams: UInt32, streamWindow: UInt32, connectionWindow: Int32) {
        self.maximumConcurrentStreams = maximumConcurrentStreams
        self.streamWindow = streamWindow
        self.connectionWindow = connectionWindow
    }
}

/// Owns one libnghttp2 session and the bytes that wait to leave. It does no I/O: bytes are fed in with `receive` and stand in
/// `output` after `pump`. What happens is told to the `HTTP2Peer` that it serves.
package final class HTTP2Session {
    /// Serialised frames that have not left yet. Behind a pointer, like all that changes while an order passes: a class's own
    /// structs are checked for exclusive access at run time.
    package let output: UnsafeMutablePointer<ByteQueue>
    package let raw: OpaquePointer
    /// Stays as long as what was taken from it.
    private let memory: HTTP2Memory?
    /// Bytes serialised since the session began.
    private(set) var serialisedCount: UInt64 = 0
    /// Inside `receive` or `pump`, where libnghttp2 must not be entered again with either.
    private(set) var isBusy = false

    /// No more frames are serialised while this many bytes wait: what the peer does not take stays with who made it.
    package static let outputLimit = 262_144

    /// - Parameter memory: what libnghttp2 takes its memory from; nil: the system.
    /// Throws the code of libnghttp2 where there is no memory.
    package init(
        role: HTTP2Role, settings: HTTP2Settings, configuration: HTTP2Configuration = .standard,
        memory: HTTP2Memory? = nil
    ) throws(HTTP2Error) {
        self.memory = memory
        var session: OpaquePointer?
        let callbacks = configuration.callbacks
        let result =
            switch role {
            case .server: nghttp2_session_server_new3(&session, callbacks, nil, configuration.server, memory?.hooks)
            case .client: nghttp2_session_client_new3(&session, callbacks, nil, configuration.client, memory?.hooks)
            }
        guard result == 0, let session else { throw HTTP2Error(code: result) }
        raw = session
        output = .allocate(capacity: 1)
        // A turn's output, of a client that has many calls answered at once too.
        output.initialize(to: ByteQueue(keeping: 65_536))
        try announce(settings, role: role)
    }

    deinit {
        nghttp2_session_del(raw)
        output.pointee.deallocate()
        output.deallocate()
    }

    /// Tells `peer` from now on what happens; it must stay alive as long as the session.
    package func serve(_ peer: HTTP2Peer) {
        nghttp2_session_set_user_data(raw, Unmanaged.passUnretained(peer).toOpaque())
    }

    private func announce(_ settings: HTTP2Settings, role: HTTP2Role) throws(HTTP2Error) {
        let first =
            switch role {
            case .server:
                nghttp2_settings_entry(
                    settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue),
                    value: settings.maximumConcurrentStreams)
            case .client:
                nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0)
            }
        let headerList =
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
                value: UInt32(clamping: settings.headerListSize))
        let entries: InlineArray<4, nghttp2_settings_entry> = [
            first,
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: settings.streamWindow),
            headerList,
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES.rawValue), value: 1),
        ]
        let result = entries.span.withUnsafeBufferPointer {
            nghttp2_submit_settings(raw, UInt8(NGHTTP2_FLAG_NONE.rawValue), $0.baseAddress, $0.count)
        }
        guard result == 0 else { throw HTTP2Error(code: result) }
        let window = nghttp2_session_set_local_window_size(
            raw, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, settings.connectionWindow)
        guard window == 0 else { throw HTTP2Error(code: window) }
    }

    /// Feeds bytes that came from the peer. Throws where the connection must be closed; what is in `output` (a GOAWAY, often)
    /// should still be sent.
    package func receive(_ bytes: UnsafeRawBufferPointer) throws(HTTP2Error) {
        isBusy = true
        defer { isBusy = false }
        let base = bytes.bindMemory(to: UInt8.self).baseAddress
        let result = nghttp2_session_mem_recv(raw, base, bytes.count)
        guard result >= 0 else { throw HTTP2Error(code: Int32(clamping: result)) }
    }

    /// Serialises what waits into `output`, as far as the limit allows.
    package func pump() throws(HTTP2Error) {
        isBusy = true
        defer { isBusy = false }
        while hasRoom {
            var data: UnsafePointer<UInt8>?
            let size = nghttp2_session_mem_send(raw, &data)
            if size == 0 { return }
            guard size > 0, let data else { throw HTTP2Error(code: Int32(clamping: size)) }
            _ = output.pointee.append(UnsafeRawBufferPointer(start: data, count: size), limit: .max)
            serialisedCount &+= UInt64(size)
        }
    }

    /// Whether the session has nothing more to say or hear: it was told to end and all streams are closed.
    package var isFinished: Bool {
        nghttp2_session_want_read(raw) == 0 && nghttp2_session_want_write(raw) == 0
    }

    /// Streams that the peer lets us have open at once.
    package var peerStreamLimit: Int {
        Int(nghttp2_session_get_remote_settings(raw, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS))
    }

    /// Whether `pump` would serialise anything.
    package var hasRoom: Bool { output.pointee.count < Self.outputLimit }

    /// Whether a request's head has been serialised: until then its stream is not open.
    package func isOpen(stream: Int32) -> Bool { nghttp2_session_find_stream(raw, stream) != nil }

    /// Says that received bytes of a stream were taken, so that the peer may send as many more.
    package func consume(stream: Int32, _ size: Int) {
        if size > 0 { _ = nghttp2_session_consume(raw, stream, size) }
    }

    /// Says so of bytes whose stream is gone.
    package func consumeConnection(_ size: Int) {
        if size > 0 { _ = nghttp2_session_consume_connection(raw, size) }
    }

    /// Takes back a request of which nothing was serialised: nothing of it leaves, and nobody hears of its end.
    ///
    /// Refusing the frame in libnghttp2's `before_frame_send_callback` would not do: the head has gone through the header
    /// compressor by then, and every later one would be read wrongly.
    package func withdraw(stream: Int32) {
        nghttp2_session_set_stream_user_data(raw, stream, nil)
        _ = nghttp2_submit_rst_stream(
            raw, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, UInt32(NGHTTP2_CANCEL.rawValue))
    }

    package func reset(stream: Int32, code: UInt32) {
        _ = nghttp2_submit_rst_stream(raw, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, code)
    }

    /// Lets a stream whose data was not ready send again.
    package func resume(stream: Int32) {
        _ = nghttp2_session_resume_data(raw, stream)
    }

    /// Announces a new limit of concurrent streams to the peer.
    package func announce(maximumConcurrentStreams: UInt32) {
        var entry = nghttp2_settings_entry(
            settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue), value: maximumConcurrentStreams)
        _ = nghttp2_submit_settings(raw, UInt8(NGHTTP2_FLAG_NONE.rawValue), &entry, 1)
    }

    /// Asks the peer to answer.
    package func ping() {
        _ = nghttp2_submit_ping(raw, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil)
    }

    /// First step of a graceful end: the peer learns that it should open no more streams; those under way to us still count.
    package func announceShutdown() {
        _ = nghttp2_submit_shutdown_notice(raw)
    }

    /// Ends the session for a fault of the peer's.
    package func goAway(_ code: HTTP2ResetCode, _ text: StaticString) {
        _ = nghttp2_submit_goaway(
            raw, UInt8(NGHTTP2_FLAG_NONE.rawValue), nghttp2_session_get_last_proc_stream_id(raw), code.rawValue,
            text.utf8Start, text.utf8CodeUnitCount)
    }

    /// Frames other than DATA that wait to be serialised.
    package var queuedFrames: Int { nghttp2_session_get_outbound_queue_size(raw) }

    /// Second step: streams after the last one seen are refused.
    package func goAway() {
        _ = nghttp2_submit_goaway(
            raw, UInt8(NGHTTP2_FLAG_NONE.rawValue), nghttp2_session_get_last_proc_stream_id(raw),
            UInt32(NGHTTP2_NO_ERROR.rawValue), nil, 0)
    }
}

/// A failure of an HTTP/2 session, as libnghttp2 names it.
package struct HTTP2Error: Error, Equatable, CustomStringConvertible {
    package var code: Int32
    /// The peer sent too much of something that libnghttp2 itself counts, and was not told.
    var isFlood: Bool {
        code == NGHTTP2_ERR_FLOODED.rawValue || code == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue
    }
    var isBadPreface: Bool { code == NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue }
    package var description: String { String(cString: nghttp2_strerror(code)) }
}
