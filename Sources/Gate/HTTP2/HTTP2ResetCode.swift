/// Error codes of RFC 9113, section 7, that Gate itself resets streams or ends connections with.
package enum HTTP2ResetCode: UInt32, BitwiseCopyable {
    case none = 0
    case `protocol` = 1
    case `internal` = 2
    case flowControl = 3
    case settingsTimeout = 4
    case streamClosed = 5
    case refused = 7
    case cancel = 8
    case enhanceYourCalm = 11
}
