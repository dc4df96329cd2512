/// What a client's connection may cost before it is refused: `limits` of the configuration, as far as HTTP/2 is concerned.
/// Each stands for an attack that is known by name; none is met by a client that merely works.
package struct HTTP2Limits: Equatable, Sendable {
    // MARK: Sizes

    /// Sum of name, value and 32 bytes of each field of one header block.
    package var headerBytes = 16_384
    /// Fields of one header block.
    package var headerFields = 128
    /// CONTINUATION frames behind one HEADERS frame.
    package var continuationFrames = 4
    /// Header blocks over `headerBytes` or `headerFields` that one connection may send; each is refused for itself.
    package var oversizedHeaders = 4
    /// Entries of one SETTINGS frame.
    package var settingsEntries = 32
    /// Acknowledgements of PING and SETTINGS that may wait to be read.
    package var queuedAcknowledgements = 200
    /// Frames other than DATA that may wait to be read.
    package var queuedFrames = 5000
    /// Bytes of all calls together that Gate keeps because the other side does not take them. Past it the connection that
    /// keeps the most is closed.
    package var bufferedBytes = 33_554_432
    /// Calls of one connection taken up in one turn of the loop; the others wait for the next.
    package var callsPerTurn = 64

    // MARK: Rates

    /// RST_STREAM frames.
    package var resets = Rate(burst: 1000, perSecond: 200)
    /// Those of them that end a call before its answer began.
    package var prematureResets = Rate(burst: 1000, perSecond: 100)
    /// Resets in a connection's life that its own mistakes made Gate send.
    package var provokedResets = 100
    /// PING, SETTINGS, PRIORITY, GOAWAY and unknown frames, beyond one for each HEADERS or DATA frame of either side.
    package var controlFrames = Rate(burst: 20, perSecond: 2)
    /// DATA frames without a byte, one behind the other.
    package var emptyFrames = 8
    /// DATA frames that the client's window cut to under 256 bytes.
    package var dribbledFrames = Rate(burst: 100, perSecond: 10)

    // MARK: Times

    /// From connecting to the 24 bytes that open HTTP/2.
    package var prefaceTimeout = Duration.seconds(2)
    /// From connecting to the first SETTINGS.
    package var settingsTimeout = Duration.seconds(5)
    /// From Gate's SETTINGS to their acknowledgement.
    package var settingsAcknowledgementTimeout = Duration.seconds(10)
    /// From the begin of a header block to its end.
    package var headerTimeout = Duration.seconds(2)
    /// From the head of an order or cancel to the end of its request.
    package var bodyTimeout = Duration.seconds(2)
    /// How long a client may leave bytes of an answer that wait for it untaken.
    package var stallTimeout = Duration.seconds(10)
    /// How long a connection without a call may be silent.
    package var idleTimeout = Duration.seconds(3600)

    package init() {}

    /// So many at once, and so many more each second.
    package struct Rate: Equatable, Sendable {
        package var burst: Int
        package var perSecond: Int
        package init(burst: Int, perSecond: Int) {
            self.burst = burst
            self.perSecond = perSecond
        }
    }
}
