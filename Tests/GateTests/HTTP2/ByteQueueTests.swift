import Gate
import Testing

@Suite struct ByteQueueTests {
    @Test func `random appends and takes give the bytes of an array in order`() {
        var random = SplitMix(seed: 11)
        var queue = ByteQueue()
        defer { queue.deallocate() }
        var model: [UInt8] = []
        for _ in 0..<20_000 {
            if random.next() % 2 == 0 {
                let bytes = (0..<Int(random.next() % 300)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                let fits = model.count + bytes.count <= 2000
                #expect(bytes.withUnsafeBytes { queue.append($0, limit: 2000) } == fits)
                if fits { model += bytes }
            } else {
                var target = [UInt8](repeating: 0, count: Int(random.next() % 300))
                let count = target.withUnsafeMutableBytes { queue.take(into: $0) }
                #expect(Array(target.prefix(count)) == Array(model.prefix(count)))
                #expect(count == min(target.count, model.count))
                model.removeFirst(count)
            }
            #expect(queue.count == model.count)
        }
    }

    @Test func `a queue takes exactly its limit and not a byte more`() {
        var queue = ByteQueue()
        defer { queue.deallocate() }
        let bytes = [UInt8](repeating: 1, count: 10)
        #expect(bytes.withUnsafeBytes { queue.append($0, limit: 10) })
        #expect(!bytes.prefix(1).withUnsafeBytes { queue.append($0, limit: 10) })
        queue.drop(1)
        #expect(bytes.prefix(1).withUnsafeBytes { queue.append($0, limit: 10) })
    }
}
