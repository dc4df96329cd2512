/// Error codes of RFC 9113, section 7, that Gate itself resets streams with.
package enum HTTP2ResetCode: UInt32, BitwiseCopyable {
    case none = 0
    case `internal` = 2
    case flowControl = 3
    case refused = 7
    case cancel = 8
}
