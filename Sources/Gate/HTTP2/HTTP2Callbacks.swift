package import CNghttp2

/// The callbacks and options of sessions, which libnghttp2 copies into each.
package final class HTTP2Configuration: @unchecked Sendable {
    // Sound to share: written once by `init`, only read by libnghttp2 afterwards.
    let callbacks: OpaquePointer?
    let server: OpaquePointer?
    let client: OpaquePointer?

    /// With the limits that hold where none are configured.
    package static let standard = HTTP2Configuration(HTTP2Limits())

    package init(_ limits: HTTP2Limits) {
        var callbacks: OpaquePointer?
        nghttp2_session_callbacks_new(&callbacks)
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, beginHeaders)
        nghttp2_session_callbacks_set_on_header_callback2(callbacks, header)
        nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks, invalidHeader)
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frameReceived)
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, dataReceived)
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frameSent)
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, streamClosed)
        self.callbacks = callbacks

        var server: OpaquePointer?
        nghttp2_option_new(&server)
        Self.setCommon(server, limits)
        nghttp2_option_set_server_fallback_rfc7540_priorities(server, 1)
        // Behind the guard's own counts, which tell the client more.
        nghttp2_option_set_stream_reset_rate_limit(
            server, UInt64(limits.resets.burst), UInt64(limits.resets.perSecond))
        nghttp2_option_set_max_continuations(server, limits.continuationFrames)
        self.server = server

        var client: OpaquePointer?
        nghttp2_option_new(&client)
        Self.setCommon(client, limits)
        nghttp2_option_set_max_continuations(client, 8)
        nghttp2_option_set_peer_max_concurrent_streams(client, 100)
        nghttp2_option_set_max_reserved_remote_streams(client, 0)
        self.client = client
    }

    deinit {
        nghttp2_session_callbacks_del(callbacks)
        nghttp2_option_del(server)
        nghttp2_option_del(client)
    }

    private static func setCommon(_ options: OpaquePointer?, _ limits: HTTP2Limits) {
        // A window opens only as fast as the other side drains.
        nghttp2_option_set_no_auto_window_update(options, 1)
        nghttp2_option_set_max_settings(options, limits.settingsEntries)
        nghttp2_option_set_max_outbound_ack(options, limits.queuedAcknowledgements)
        nghttp2_option_set_no_closed_streams(options, 1)
        // Otherwise a value with a space at its end would be dropped silently.
        nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(options, 1)
    }
}

/// Calls the peer behind a session's user data without retaining it.
@inline(__always)
private func withPeer<Result>(
    _ userData: UnsafeMutableRawPointer?, or missing: Result, _ body: (HTTP2Peer) -> Result
) -> Result {
    guard let userData else { return missing }
    return Unmanaged<HTTP2Peer>.fromOpaque(userData)._withUnsafeGuaranteedRef(body)
}

private func beginHeaders(
    session: OpaquePointer?, frame: UnsafePointer<nghttp2_frame>?, userData: UnsafeMutableRawPointer?
) -> Int32 {
    guard let frame else { return 0 }
    let stream = frame.pointee.hd.stream_id
    withPeer(userData, or: ()) {
        $0.headersBegan(
            stream: stream, category: frame.pointee.headers.cat,
            data: nghttp2_session_get_stream_user_data(session, stream))
        // The fields of a block come one after the other, so that the stream is looked up once for all of them.
        $0.blockData = nghttp2_session_get_stream_user_data(session, stream)
    }
    return 0
}

private func header(
    session: OpaquePointer?, frame: UnsafePointer<nghttp2_frame>?, name: OpaquePointer?, value: OpaquePointer?,
    flags: UInt8, userData: UnsafeMutableRawPointer?
) -> Int32 {
    guard let frame, let name, let value else { return 0 }
    let accepted = withPeer(userData, or: false) {
        $0.header(
            stream: frame.pointee.hd.stream_id, category: frame.pointee.headers.cat, name: name, value: value,
            flags: flags, data: $0.blockData)
    }
    guard !accepted else { return 0 }
    // Where the whole connection is to end, not one more field is decoded.
    let isFaulty = withPeer(userData, or: false) { $0.isFaulty }
    return (isFaulty ? NGHTTP2_ERR_CALLBACK_FAILURE : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE).rawValue
}

/// A field that is not valid is never dropped silently: the stream is reset (RFC 9113, section 8.2.1).
private func invalidHeader(
    session: OpaquePointer?, frame: UnsafePointer<nghttp2_frame>?, name: OpaquePointer?, value: OpaquePointer?,
    flags: UInt8, userData: UnsafeMutableRawPointer?
) -> Int32 {
    NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
}

private func frameReceived(
    session: OpaquePointer?, frame: UnsafePointer<nghttp2_frame>?, userData: UnsafeMutableRawPointer?
) -> Int32 {
    guard let frame else { return 0 }
    let head = frame.pointee.hd
    let endsStream = head.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
    switch UInt32(head.type) {
    case NGHTTP2_DATA.rawValue:
        if endsStream {
            withPeer(userData, or: ()) {
                $0.streamEnded(
                    stream: head.stream_id, data: nghttp2_session_get_stream_user_data(session, head.stream_id))
            }
        }
    case NGHTTP2_HEADERS.rawValue:
        withPeer(userData, or: ()) {
            $0.headersEnded(
                stream: head.stream_id, category: frame.pointee.headers.cat, endsStream: endsStream,
                data: nghttp2_session_get_stream_user_data(session, head.stream_id))
        }
    case NGHTTP2_SETTINGS.rawValue:
        let isAcknowledgement = head.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0
        withPeer(userData, or: ()) { isAcknowledgement ? $0.settingsAcknowledged() : $0.settingsReceived() }
    case NGHTTP2_PING.rawValue:
        if head.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0 { withPeer(userData, or: ()) { $0.pingAcknowledged() } }
    case NGHTTP2_GOAWAY.rawValue:
        withPeer(userData, or: ()) {
            $0.goAwayReceived(
                lastStream: frame.pointee.goaway.last_stream_id, code: frame.pointee.goaway.error_code)
        }
    default:
        break
    }
    return 0
}

private func dataReceived(
    session: OpaquePointer?, flags: UInt8, stream: Int32, bytes: UnsafePointer<UInt8>?, count: Int,
    userData: UnsafeMutableRawPointer?
) -> Int32 {
    withPeer(userData, or: ()) {
        $0.dataReceived(
            stream: stream, bytes: UnsafeRawBufferPointer(start: bytes, count: count),
            data: nghttp2_session_get_stream_user_data(session, stream))
    }
    return 0
}

private func frameSent(
    session: OpaquePointer?, frame: UnsafePointer<nghttp2_frame>?, userData: UnsafeMutableRawPointer?
) -> Int32 {
    guard let frame else { return 0 }
    let head = frame.pointee.hd
    let stream = head.stream_id
    withPeer(userData, or: ()) {
        switch UInt32(head.type) {
        case NGHTTP2_DATA.rawValue: $0.dataSent(stream: stream)
        case NGHTTP2_HEADERS.rawValue: $0.headSent(stream: stream)
        case NGHTTP2_RST_STREAM.rawValue:
            $0.resetSent(
                stream: stream, code: frame.pointee.rst_stream.error_code,
                data: nghttp2_session_get_stream_user_data(session, stream))
            return
        case NGHTTP2_GOAWAY.rawValue:
            $0.goAwaySent(code: frame.pointee.goaway.error_code)
            return
        default: return
        }
        guard head.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0 else { return }
        $0.frameSent(endsStream: stream, data: nghttp2_session_get_stream_user_data(session, stream))
    }
    return 0
}

private func streamClosed(
    session: OpaquePointer?, stream: Int32, code: UInt32, userData: UnsafeMutableRawPointer?
) -> Int32 {
    withPeer(userData, or: ()) {
        $0.streamClosed(stream: stream, code: code, data: nghttp2_session_get_stream_user_data(session, stream))
    }
    return 0
}

/// The data source of every stream that we feed.
package let dataSource = nghttp2_data_provider(
    source: nghttp2_data_source(),
    read_callback: { session, stream, buffer, length, flags, _, userData in
        guard let session, let flags else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
        let room = UnsafeMutableRawBufferPointer(start: buffer, count: length)
        let data = withPeer(userData, or: nil) {
            $0.dataWanted(
                stream: stream, room: room, data: nghttp2_session_get_stream_user_data(session, stream))
        }
        guard let data else { return Int(NGHTTP2_ERR_DEFERRED.rawValue) }
        if data.ended { flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue }
        if data.trailersFollow { flags.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue }
        return data.count
    })
