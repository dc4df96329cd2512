import Gate
import Testing

@Suite struct DescriptorLimitTests {
    @Test(arguments: [(1, 386), (1024, 2432), (65_536, 131_456)])
    func `each client takes two descriptors, and some are for all else`(connections: Int, needed: UInt64) {
        #expect(DescriptorLimit.needed(connections: connections) == needed)
    }

    @Test func `a number of clients that no machine has overflows nothing`() {
        #expect(DescriptorLimit.needed(connections: .max) == .max)
    }

    @Test func `raising takes all that may be had, and tells what there was`() throws {
        let before = try DescriptorLimit.raise()
        #expect(try DescriptorLimit.current() == DescriptorLimit(soft: before.hard, hard: before.hard))
    }
}
