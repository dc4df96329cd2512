/// Why a connection is closed by Gate: what is counted, and what the peer is told in GOAWAY.
package struct HTTP2Fault: Error, Equatable {
    package var kind: HTTP2ErrorKind
    package var code: HTTP2ResetCode
    /// Debug data of the GOAWAY.
    package var text: StaticString

    init(_ kind: HTTP2ErrorKind, _ code: HTTP2ResetCode, _ text: StaticString) {
        self.kind = kind
        self.code = code
        self.text = text
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.kind == right.kind && left.code == right.code
    }

    static let streamReused = Self(.protocolError, .protocol, "a stream id below one that was used")
    static let streamClosed = Self(.streamClosed, .streamClosed, "a frame on a stream that its sender had ended")
    static let rapidReset = Self(.rapidReset, .enhanceYourCalm, "too many resets")
    static let provokedReset = Self(.provokedReset, .enhanceYourCalm, "too many stream errors")
    static let continuationFlood = Self(.continuationFlood, .enhanceYourCalm, "too many CONTINUATION frames")
    static let headerList = Self(.headerListTooLarge, .enhanceYourCalm, "too many header fields")
    /// gRPC clients know this text, and ping less.
    static let pingFlood = Self(.controlFlood, .enhanceYourCalm, "too_many_pings")
    static let controlFlood = Self(.controlFlood, .enhanceYourCalm, "too many control frames")
    static let tlsFlood = Self(.controlFlood, .enhanceYourCalm, "too many messages of TLS's own")
    static let emptyFrames = Self(.emptyFrames, .enhanceYourCalm, "too many empty DATA frames")
    static let dribble = Self(.dribble, .enhanceYourCalm, "a window opened by a few bytes too often")
    static let outputFlood = Self(.slowRead, .enhanceYourCalm, "too many frames that are not read")
    static let bufferFull = Self(.bufferFull, .enhanceYourCalm, "too many bytes that are not taken")
    static let prefaceTimeout = Self(.prefaceTimeout, .protocol, "no HTTP/2 preface in time")
    static let settingsTimeout = Self(.settingsTimeout, .settingsTimeout, "no SETTINGS, or no acknowledgement, in time")
    static let headerTimeout = Self(.headerTimeout, .enhanceYourCalm, "a header block that does not end")
    static let idle = Self(.idle, .none, "idle")
}
