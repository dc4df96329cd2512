import Gate
import Testing

/// Which keys of a prefix are to be read.
struct FollowedPrefixTests {
    /// The keys that begin with `gate:stop:`.
    private final class Keys {
        private(set) var state: FollowedPrefix

        init(maximumKeys: Int = 10) {
            state = FollowedPrefix(prefix: "gate:stop:", longestValue: 10, maximumKeys: maximumKeys)
        }

        @discardableResult
        func read(_ key: String, isAwaited: Bool = false) -> Bool { state.read(key, isAwaited: isAwaited) }
        func next() -> String? { state.next() }
        func change(_ body: (inout FollowedPrefix) -> Void) { body(&state) }
        func wasRead(_ key: String, isThere: Bool) { state.wasRead(key, isThere: isThere) }
    }

    @Test func `a key belongs to its prefix alone`() {
        #expect(Keys().state.holds("gate:stop:global"))
        #expect(
            !Keys().state.holds("gate:stops") && !Keys().state.holds("gate:reserved:A:b") && !Keys().state.holds(""))
    }

    @Test func `a change during a read has the key read once more`() {
        let keys = Keys()
        keys.read("gate:stop:a")
        keys.read("gate:stop:a")
        #expect(keys.next() == "gate:stop:a" && keys.next() == nil && keys.state.reading == 1)
        for _ in 0..<3 { keys.read("gate:stop:a") }
        #expect(keys.next() == nil)
        keys.wasRead("gate:stop:a", isThere: true)
        #expect(keys.next() == "gate:stop:a" && keys.next() == nil)
        keys.wasRead("gate:stop:a", isThere: true)
        #expect(keys.next() == nil && keys.state.reading == 0)
    }

    @Test func `a key is awaited until it is read once, however often it changes`() {
        let keys = Keys()
        keys.read("gate:stop:a")
        _ = keys.next()
        keys.read("gate:stop:a", isAwaited: true)
        keys.read("gate:stop:a", isAwaited: true)
        #expect(keys.state.awaited == 1)
        keys.wasRead("gate:stop:a", isThere: true)
        #expect(keys.state.awaited == 0 && keys.next() == "gate:stop:a")
        keys.read("gate:stop:b")
        #expect(keys.state.awaited == 0)
    }

    @Test func `a key that is not there makes room`() {
        let keys = Keys(maximumKeys: 1)
        #expect(keys.read("gate:stop:a"))
        #expect(!keys.read("gate:stop:b"))
        #expect(keys.next() != nil)
        keys.wasRead("gate:stop:a", isThere: false)
        #expect(keys.read("gate:stop:b"))
    }

    @Test func `all that are known are read again, and none after they are forgotten`() {
        let keys = Keys()
        for name in ["gate:stop:a", "gate:stop:b"] {
            keys.read(name)
            _ = keys.next()
            keys.wasRead(name, isThere: true)
        }
        keys.change { $0.readAll() }
        #expect(Set([keys.next(), keys.next()]) == ["gate:stop:a", "gate:stop:b"])
        keys.change { $0.forget() }
        keys.change { $0.readAll() }
        #expect(keys.next() == nil && keys.state.awaited == 0)
        // The answer of a connection that is gone.
        keys.wasRead("gate:stop:a", isThere: true)
        #expect(keys.state.reading == 0)
    }
}
