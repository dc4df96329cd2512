package import CNghttp2
import Glibc

/// Memory for the HTTP/2 sessions of one thread: what they give back is kept, by size, and given out again, so that a stream costs
/// the system's allocator nothing once as many have been open at once. Not to be touched by two threads.
package final class HTTP2Memory {
    /// Before each block: which size it has.
    private struct Head: BitwiseCopyable {
        /// Its place among the sizes; `largest` for a block that is not kept.
        var place: Int
        /// Bytes behind the head.
        var room: Int
    }

    private struct Size: BitwiseCopyable {
        /// The block to give out next; each one's first word holds the next.
        var free: UnsafeMutableRawPointer?
        var kept = 0
    }

    fileprivate struct State: BitwiseCopyable {
        private var sizes = InlineArray<9, Size>(repeating: Size())
        /// Blocks that were asked of the system.
        fileprivate(set) var requests = 0

        private static let smallest = 64
        private static let largest = 9
        private static let headSize = 16
        /// Bytes of one size that are kept at most.
        private static let keptBytes = 1 << 20
    }

    /// What libnghttp2 is given: memory, and how to take and give back.
    package let hooks: UnsafeMutablePointer<nghttp2_mem>
    private let state: UnsafeMutablePointer<State>

    package init() {
        state = .allocate(capacity: 1)
        state.initialize(to: State())
        hooks = .allocate(capacity: 1)
        hooks.initialize(
            to: nghttp2_mem(
                mem_user_data: state,
                malloc: { size, state in HTTP2Memory.state(state)?.pointee.take(size) },
                free: { block, state in HTTP2Memory.state(state)?.pointee.give(block) },
                calloc: { count, size, state in
                    let (bytes, overflow) = count.multipliedReportingOverflow(by: size)
                    guard !overflow, let block = HTTP2Memory.state(state)?.pointee.take(bytes) else { return nil }
                    return memset(block, 0, bytes)
                },
                realloc: { block, size, state in HTTP2Memory.state(state)?.pointee.resize(block, to: size) }))
    }

    /// Every session that uses it must be gone, and every buffer of its.
    deinit {
        state.pointee.release()
        state.deallocate()
        hooks.deallocate()
    }

    /// Blocks that the system was asked for since the beginning.
    package var requests: Int { state.pointee.requests }

    private static func state(_ data: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<State>? {
        data?.assumingMemoryBound(to: State.self)
    }
}

extension HTTP2Memory.State {
    fileprivate mutating func take(_ size: Int) -> UnsafeMutableRawPointer? {
        guard size <= Int.max - Self.headSize else { return nil }
        let whole = max(size + Self.headSize, Self.smallest)
        // 64 bytes and less stand at place 0, up to 128 at 1, and so on.
        let place = Int.bitWidth - (whole - 1).leadingZeroBitCount - Self.smallest.trailingZeroBitCount
        guard place < Self.largest else { return ask(whole, place: Self.largest) }
        guard let block = sizes[place].free else { return ask(Self.smallest << place, place: place) }
        sizes[place].free = block.load(as: UnsafeMutableRawPointer?.self)
        sizes[place].kept -= 1
        return block
    }

    private mutating func ask(_ whole: Int, place: Int) -> UnsafeMutableRawPointer? {
        requests += 1
        guard let start = malloc(whole) else { return nil }
        start.storeBytes(of: HTTP2Memory.Head(place: place, room: whole - Self.headSize), as: HTTP2Memory.Head.self)
        return start + Self.headSize
    }

    private func head(of block: UnsafeMutableRawPointer) -> HTTP2Memory.Head {
        (block - Self.headSize).load(as: HTTP2Memory.Head.self)
    }

    fileprivate mutating func give(_ block: UnsafeMutableRawPointer?) {
        guard let block else { return }
        let place = head(of: block).place
        guard place < Self.largest, sizes[place].kept < Self.keptBytes / (Self.smallest << place) else {
            free(block - Self.headSize)
            return
        }
        block.storeBytes(of: sizes[place].free, as: UnsafeMutableRawPointer?.self)
        sizes[place].free = block
        sizes[place].kept += 1
    }

    fileprivate mutating func resize(_ block: UnsafeMutableRawPointer?, to size: Int) -> UnsafeMutableRawPointer? {
        guard let block else { return take(size) }
        let room = head(of: block).room
        guard size > room else { return block }
        guard let larger = take(size) else { return nil }
        memcpy(larger, block, room)
        give(block)
        return larger
    }

    fileprivate mutating func release() {
        for place in 0..<Self.largest {
            while let block = sizes[place].free {
                sizes[place].free = block.load(as: UnsafeMutableRawPointer?.self)
                free(block - Self.headSize)
            }
            sizes[place].kept = 0
        }
    }
}
