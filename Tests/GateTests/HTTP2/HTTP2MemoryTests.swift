import CNghttp2
import Gate
import Testing

@Suite struct HTTP2MemoryTests {
    private let memory = HTTP2Memory()
    private var hooks: nghttp2_mem { memory.hooks.pointee }

    private func take(_ size: Int) throws -> UnsafeMutableRawBufferPointer {
        let block = try #require(hooks.malloc(size, hooks.mem_user_data))
        return UnsafeMutableRawBufferPointer(start: block, count: size)
    }

    private func give(_ block: UnsafeMutableRawBufferPointer) { hooks.free(block.baseAddress, hooks.mem_user_data) }

    /// The last size of each kind of block, and the first of the next; the largest are the system's.
    @Test(arguments: [0, 1, 48, 49, 112, 113, 1_008, 1_009, 16_368, 16_369, 100_000])
    func `blocks of one size do not overlap, and what is given back is given out again`(size: Int) throws {
        let blocks = try (0..<8).map { number in
            let block = try take(size)
            for index in block.indices { block[index] = UInt8(number) }
            return block
        }
        for (number, block) in blocks.enumerated() { #expect(block.allSatisfy { $0 == UInt8(number) }) }
        blocks.forEach(give)
        let asked = memory.requests
        try (0..<8).map { _ in try take(size) }.forEach(give)
        #expect(memory.requests == (size <= 16_368 ? asked : asked + 8))
    }

    @Test(arguments: [(48, 49), (1, 48), (100, 16_369), (20_000, 40_000)])
    func `a block that grows keeps what is in it`(from: Int, to: Int) throws {
        let block = try take(from)
        for index in block.indices { block[index] = UInt8(truncatingIfNeeded: index) }
        let grown = try #require(hooks.realloc(block.baseAddress, to, hooks.mem_user_data))
        let bytes = UnsafeMutableRawBufferPointer(start: grown, count: to)
        for index in 0..<from { #expect(bytes[index] == UInt8(truncatingIfNeeded: index)) }
        give(bytes)
    }

    @Test func `a block that is to be zero is, also where it was used before`() throws {
        let used = try take(100)
        for index in used.indices { used[index] = 0xFF }
        give(used)
        let zero = try #require(hooks.calloc(25, 4, hooks.mem_user_data))
        #expect(UnsafeRawBufferPointer(start: zero, count: 100).allSatisfy { $0 == 0 })
        hooks.free(zero, hooks.mem_user_data)
    }

    @Test func `more than there can be is refused`() {
        #expect(hooks.malloc(.max, hooks.mem_user_data) == nil)
        #expect(hooks.calloc(.max, 2, hooks.mem_user_data) == nil)
    }

    @Test func `nothing may be given back, and grown from`() throws {
        hooks.free(nil, hooks.mem_user_data)
        let block = try #require(hooks.realloc(nil, 10, hooks.mem_user_data))
        hooks.free(block, hooks.mem_user_data)
    }
}
