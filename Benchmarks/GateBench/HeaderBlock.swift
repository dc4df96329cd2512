import CNghttp2

/// A list of header fields that stays where it is in memory for as long as the process lives, so that libnghttp2 need
/// not copy it with each message.
final class HeaderBlock {
    let fields: UnsafeMutablePointer<nghttp2_nv>
    let count: Int

    init(_ pairs: KeyValuePairs<String, String>) {
        fields = .allocate(capacity: pairs.count)
        count = pairs.count
        let kept = UInt8(NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue)
        for (index, pair) in pairs.enumerated() {
            let name = HeaderBlock.keep(pair.key)
            let value = HeaderBlock.keep(pair.value)
            (fields + index).initialize(
                to: nghttp2_nv(
                    name: name.baseAddress, value: value.baseAddress, namelen: name.count, valuelen: value.count,
                    flags: kept))
        }
    }

    private static func keep(_ text: String) -> UnsafeMutableBufferPointer<UInt8> {
        let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
        _ = bytes.initialize(from: text.utf8)
        return bytes
    }
}
