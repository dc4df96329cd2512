import CNghttp2
import Glibc

/// A block of header fields as libnghttp2's reference-counted buffers: kept without copying, passed on without copying.
struct HeaderBlock: BitwiseCopyable {
    /// Fields, ready to be submitted to another session.
    private var fields: UnsafeMutablePointer<nghttp2_nv>?
    /// The buffers that the fields point into, two a field: name, value.
    private var buffers: UnsafeMutablePointer<OpaquePointer?>?
    private var capacity = 0
    private(set) var count = 0
    /// Sum of name, value and 32 bytes a field (RFC 9113, section 6.5.2).
    private(set) var size = 0

    /// What one block of the endpoint's may hold: more is refused before it is stored.
    static let maximumCount = 128
    static let maximumSize = 32_768

    init() {}

    /// Keeps a field. False where the block would become larger than a block may be; its size is counted all the same.
    mutating func append(
        name: OpaquePointer, value: OpaquePointer, flags: UInt8, maximumCount: Int = Self.maximumCount,
        maximumSize: Int = Self.maximumSize
    ) -> Bool {
        let nameBytes = nghttp2_rcbuf_get_buf(name)
        let valueBytes = nghttp2_rcbuf_get_buf(value)
        size += nameBytes.len + valueBytes.len + 32
        guard count < maximumCount, size <= maximumSize else { return false }
        if count == capacity { grow() }
        guard let fields, let buffers else { return false }
        nghttp2_rcbuf_incref(name)
        nghttp2_rcbuf_incref(value)
        buffers[2 * count] = name
        buffers[2 * count + 1] = value
        // What the sender marked never to be indexed stays so (RFC 7541, section 7.1.3).
        let kept = flags & UInt8(NGHTTP2_NV_FLAG_NO_INDEX.rawValue)
        let flags =
            kept | UInt8(NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue) | UInt8(NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue)
        fields[count] = nghttp2_nv(
            name: nameBytes.base, value: valueBytes.base, namelen: nameBytes.len, valuelen: valueBytes.len,
            flags: flags)
        count += 1
        return true
    }

    /// The fields for `nghttp2_submit_…`. They must stay until the frame has been serialised or the stream closed.
    var pointer: UnsafeMutablePointer<nghttp2_nv>? { fields }

    func name(_ index: Int) -> UnsafeRawBufferPointer {
        guard let fields, index < count else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: fields[index].name, count: fields[index].namelen)
    }

    func value(_ index: Int) -> UnsafeRawBufferPointer {
        guard let fields, index < count else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: fields[index].value, count: fields[index].valuelen)
    }

    /// The value of the first field of this name.
    func first(_ wanted: StaticString) -> UnsafeRawBufferPointer? {
        var index = 0
        while index < count {
            if name(index).equals(wanted) { return value(index) }
            index += 1
        }
        return nil
    }

    /// Lets all buffers go and keeps the room.
    mutating func reset() {
        if let buffers {
            var index = 0
            while index < 2 * count {
                nghttp2_rcbuf_decref(buffers[index])
                index += 1
            }
        }
        count = 0
        size = 0
    }

    mutating func deallocate() {
        reset()
        fields?.deallocate()
        buffers?.deallocate()
        fields = nil
        buffers = nil
        capacity = 0
    }

    private mutating func grow() {
        let larger = capacity == 0 ? 24 : capacity * 2
        let newFields = UnsafeMutablePointer<nghttp2_nv>.allocate(capacity: larger)
        let newBuffers = UnsafeMutablePointer<OpaquePointer?>.allocate(capacity: 2 * larger)
        if let fields, let buffers {
            newFields.moveInitialize(from: fields, count: count)
            newBuffers.moveInitialize(from: buffers, count: 2 * count)
            fields.deallocate()
            buffers.deallocate()
        }
        fields = newFields
        buffers = newBuffers
        capacity = larger
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the bytes are those of the literal.
    @inline(__always)
    func equals(_ literal: StaticString) -> Bool {
        guard count == literal.utf8CodeUnitCount else { return false }
        guard count > 0, let baseAddress else { return true }
        return memcmp(baseAddress, literal.utf8Start, count) == 0
    }

    /// Whether the bytes begin with those of the literal.
    func starts(with literal: StaticString) -> Bool {
        guard count >= literal.utf8CodeUnitCount, let baseAddress else { return false }
        return memcmp(baseAddress, literal.utf8Start, literal.utf8CodeUnitCount) == 0
    }
}
