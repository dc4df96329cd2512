import CNghttp2
import Gate

/// Answers each request with a few bytes, and takes whatever comes.
final class FuzzPeer: HTTP2Peer {
    var session: HTTP2Session?

    override func headersEnded(
        stream: Int32, category: nghttp2_headers_category, endsStream: Bool, data: StreamData
    ) {
        guard category == NGHTTP2_HCAT_REQUEST, let session else { return }
        var source = dataSource
        withFields([(":status", "200")]) {
            _ = nghttp2_submit_response(session.raw, stream, $0, 1, &source)
        }
    }

    override func dataReceived(stream: Int32, bytes: UnsafeRawBufferPointer, data: StreamData) {
        session?.consume(stream: stream, bytes.count)
    }

    override func dataWanted(stream: Int32, room: UnsafeMutableRawBufferPointer, data: StreamData) -> Data? {
        let count = min(room.count, 10)
        for index in 0..<count { room[index] = 7 }
        return Data(count: count, ended: true, trailersFollow: false)
    }

    func submitRequest() {
        guard let session else { return }
        var source = dataSource
        withFields([(":method", "POST"), (":scheme", "http"), (":path", "/a.B/C"), (":authority", "x")]) {
            _ = nghttp2_submit_request(session.raw, nil, $0, 4, &source, nil)
        }
    }

    private func withFields(_ fields: [(StaticString, StaticString)], _ body: (UnsafePointer<nghttp2_nv>?) -> Void) {
        let values = fields.map { name, value in
            nghttp2_nv(
                name: UnsafeMutablePointer(mutating: name.utf8Start),
                value: UnsafeMutablePointer(mutating: value.utf8Start), namelen: name.utf8CodeUnitCount,
                valuelen: value.utf8CodeUnitCount, flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue))
        }
        values.withUnsafeBufferPointer { body($0.baseAddress) }
    }
}
