public import CNghttp2

/// What a session tells its owner. Subclassed by the client's and the upstream's connection; every call comes from inside
/// `HTTP2Session.receive` or `pump` of that session.
open class HTTP2Peer: EventTarget {
    /// The opaque pointer that the owner gave a stream, if it did.
    public typealias StreamData = UnsafeMutableRawPointer?

    /// What the owner gave the stream whose header block is being read.
    final var blockData: StreamData = nil

    /// What a data source gave for a frame.
    public struct Data: BitwiseCopyable {
        /// Bytes written into the frame.
        public var count: Int
        /// The stream has no more data.
        public var ended: Bool
        /// Trailers follow: the last DATA frame does not end the stream.
        public var trailersFollow: Bool

        public init(count: Int, ended: Bool, trailersFollow: Bool) {
            self.count = count
            self.ended = ended
            self.trailersFollow = trailersFollow
        }
    }

    /// A HEADERS frame begins: a request's (server), a response's or its trailers' (client).
    open func headersBegan(stream: Int32, category: nghttp2_headers_category, data: StreamData) {}

    /// One field of it. False: the block is refused and the stream is reset.
    open func header(
        stream: Int32, category: nghttp2_headers_category, name: OpaquePointer, value: OpaquePointer, flags: UInt8,
        data: StreamData
    ) -> Bool { true }

    /// Whether the whole connection is to end for what was just received.
    open var isFaulty: Bool { false }

    /// The block is whole.
    open func headersEnded(
        stream: Int32, category: nghttp2_headers_category, endsStream: Bool, data: StreamData
    ) {}

    /// Some bytes of DATA. They count against the window until they are consumed.
    open func dataReceived(stream: Int32, bytes: UnsafeRawBufferPointer, data: StreamData) {}

    /// The peer has ended its side of the stream with a DATA frame.
    open func streamEnded(stream: Int32, data: StreamData) {}

    /// The stream is gone, `code` is NO_ERROR where it ended in order.
    open func streamClosed(stream: Int32, code: UInt32, data: StreamData) {}

    /// A stream that we feed has room for `room.count` bytes; nil: nothing is ready (resume it later).
    open func dataWanted(stream: Int32, room: UnsafeMutableRawBufferPointer, data: StreamData) -> Data? { nil }

    /// A frame of ours that ends a stream was serialised.
    open func frameSent(endsStream stream: Int32, data: StreamData) {}

    /// The head of an answer of ours was serialised.
    open func headSent(stream: Int32) {}

    /// A DATA frame of ours was serialised.
    open func dataSent(stream: Int32) {}

    /// A reset was serialised, ours or one that libnghttp2 answered a mistake of the peer's with.
    open func resetSent(stream: Int32, code: UInt32, data: StreamData) {}

    /// A GOAWAY was serialised.
    open func goAwaySent(code: UInt32) {}

    /// The peer acknowledged a SETTINGS of ours.
    open func settingsAcknowledged() {}

    /// The peer's SETTINGS arrived.
    open func settingsReceived() {}

    /// The peer answered a PING of ours.
    open func pingAcknowledged() {}

    /// The peer goes away: it will not process streams after `lastStream`.
    open func goAwayReceived(lastStream: Int32, code: UInt32) {}
}
