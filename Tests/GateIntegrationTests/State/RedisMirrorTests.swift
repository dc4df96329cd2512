import CLinux
import Foundation
import Gate
import RiskRules
import Synchronization
import TestSupport
import Testing

/// The mirror on real redis-server processes, in health and under fault.
@Suite(.serialized)
struct RedisMirrorTests {
    private static let maximumAge: Int64 = 400_000_000
    private let directory: StateDirectory

    init() throws {
        directory = try StateDirectory()
    }

    private func configuration(
        _ server: RedisServer, address: SocketAddress? = nil, pricesDatabase: Int = 1, maximumAge: Int64 = maximumAge,
        judgesAge: Bool = true, user: String? = nil, password: String? = nil
    ) -> MirrorConfiguration {
        MirrorConfiguration(
            addresses: [address ?? .tcp(host: "127.0.0.1", port: server.port)], user: user, password: password,
            prices: .init(
                database: pricesDatabase, key: KeyTemplate(prefix: "market:prices:", suffix: ""),
                maximumAge: maximumAge,
                judgesAge: judgesAge),
            accounts: .init(
                database: 0, key: KeyTemplate(prefix: "account:state:", suffix: ""), maximumAge: 2 * maximumAge,
                judgesAge: judgesAge),
            priceField: "price", instance: "test")
    }

    private func harness(_ configuration: MirrorConfiguration) throws -> StateHarness {
        try StateHarness(configuration, stateDirectory: directory.path)
    }

    private func report(_ what: String, _ nanoseconds: [Int64]) {
        let sorted = nanoseconds.sorted()
        guard let last = sorted.last else { return }
        let p50 = sorted[sorted.count / 2] / 1000
        let p99 = sorted[sorted.count * 99 / 100] / 1000
        print("\(what): p50 \(p50) us, p99 \(p99) us, max \(last / 1000) us of \(sorted.count)")
    }

    @Test(arguments: ["tcp", "unix", "name"])
    func `a change is known within 10 ms`(kind: String) throws {
        let server = try RedisServer()
        let address: SocketAddress =
            switch kind {
            case "tcp": .tcp(host: "127.0.0.1", port: server.port)
            case "unix": .unix(path: server.socketPath)
            default: .tcp(host: "localhost", port: server.port)
            }
        let harness = try harness(configuration(server, address: address))
        harness.watch(symbol: 1, "BTCUSDT")
        harness.watch(account: 2, "A")
        try harness.waitUntilLive()
        let prices = try server.client(database: 1)
        let accounts = try server.client()
        var taken: [Int64] = []
        for round in 1...200 {
            let sent = gate_monotonic_ns()
            try prices.send("SET", "market:prices:BTCUSDT", "\(round)")
            try harness.wait("price \(round)") { harness.usablePrice(1) == "\(round)" }
            taken.append(gate_monotonic_ns() - sent)
            let sentAccount = gate_monotonic_ns()
            try accounts.send("SET", "account:state:A", #"{"seq": \#(round), "equity": 1}"#)
            try harness.wait("account \(round)") { harness.accounts[2]?.values.seq == Int64(round) }
            taken.append(gate_monotonic_ns() - sentAccount)
        }
        report("change seen over \(kind)", taken)
        let sorted = taken.sorted()
        #expect(sorted[sorted.count / 2] < 10_000_000)
    }

    @Test func `a key that is first asked for while live is fetched at once, whether it is there or not`() throws {
        let server = try RedisServer()
        let harness = try harness(configuration(server))
        try harness.waitUntilLive()
        try server.client(database: 1).send(
            "SET", "market:prices:ETHUSDT", #"{"price": 3000, "bid_price": 2999, "ask_price": 3002}"#)
        harness.watch(symbol: 1, "ETHUSDT")
        harness.watch(symbol: 2, "NONE")
        harness.watch(account: 3, "NOBODY")
        let taken = try harness.wait("all three are answered") {
            harness.prices.count == 2 && harness.accountKinds[3] != nil
        }
        report("first fetch", [taken])
        #expect(harness.prices[1]?.mark.description == "3000.5")
        #expect(harness.prices[1]?.hasBidAsk == true)
        #expect(harness.prices[2]?.availability == .absent)
        #expect(harness.accountKinds[3] == .accountAbsent)
    }

    @Test func `prices and accounts may share one database`() throws {
        let server = try RedisServer()
        let harness = try harness(configuration(server, pricesDatabase: 0))
        harness.watch(symbol: 1, "B")
        harness.watch(account: 1, "A")
        try harness.waitUntilLive()
        let client = try server.client()
        try client.send("SET", "market:prices:B", "5")
        try client.send("SET", "account:state:A", "{}")
        try harness.wait("both are known") { harness.usablePrice(1) == "5" && harness.accounts[1] != nil }
    }

    @Test func `a key is gone at the moment that its TTL ends, before Redis says so`() throws {
        let server = try RedisServer()
        let harness = try harness(configuration(server, maximumAge: 5_000_000_000))
        harness.watch(symbol: 1, "B")
        try harness.waitUntilLive()
        let client = try server.client(database: 1)
        let before = gate_monotonic_ns()
        try client.send("SET", "market:prices:B", "5", "PX", "150")
        let after = gate_monotonic_ns()
        try harness.wait("the price is known") { harness.usablePrice(1) == "5" }
        let known = gate_monotonic_ns()
        let quote = try #require(harness.prices[1])
        // PTTL counts whole milliseconds, and what is left is taken to have been left when it was asked for.
        #expect(quote.expiresAt >= before + 148_000_000 - (known - after))
        #expect(quote.expiresAt <= after + 151_000_000)
        try harness.wait("it is not usable any more") { harness.usablePrice(1) == nil }
        #expect(gate_monotonic_ns() - quote.expiresAt < 50_000_000)
        try client.send("SET", "market:prices:B", "6")
        try harness.wait("it is back, without expiry") {
            harness.usablePrice(1) == "6" && harness.prices[1]?.expiresAt == .max
        }
    }

    @Test func `a value that nobody writes grows old, and one that is written again does not`() throws {
        let server = try RedisServer()
        let harness = try harness(configuration(server))
        harness.watch(symbol: 1, "B")
        try harness.waitUntilLive()
        let client = try server.client(database: 1)
        let sent = gate_monotonic_ns()
        try client.send("SET", "market:prices:B", "5")
        try harness.wait("the price is known") { harness.usablePrice(1) == "5" }
        try harness.wait("it is too old") { harness.usablePrice(1) == nil }
        #expect(gate_monotonic_ns() - sent >= Self.maximumAge)
        #expect(harness.isLive)
        try client.send("SET", "market:prices:B", "5")
        try harness.wait("the same value counts as a new one") { harness.usablePrice(1) == "5" }
    }

    @Test func `with the link as age a silent key stays true`() throws {
        let server = try RedisServer()
        try server.client(database: 1).send("SET", "market:prices:B", "5")
        let harness = try harness(configuration(server, judgesAge: false))
        harness.watch(symbol: 1, "B")
        try harness.waitUntilLive()
        try harness.wait("the price is known") { harness.usablePrice(1) == "5" }
        let start = gate_monotonic_ns()
        try harness.wait("three times the age has passed") { gate_monotonic_ns() - start > 3 * Self.maximumAge }
        #expect(harness.usablePrice(1) == "5")
        #expect(harness.losses == 0)
    }

    @Test func `a killed Redis is noticed at once and found again within a second`() throws {
        let server = try RedisServer()
        let harness = try harness(configuration(server))
        harness.watch(symbol: 1, "B")
        try harness.waitUntilLive()
        try server.client(database: 1).send("SET", "market:prices:B", "5")
        try harness.wait("the price is known") { harness.usablePrice(1) == "5" }
        let killed = gate_monotonic_ns()
        server.kill()
        try harness.wait("the link is down") { !harness.isLive }
        let noticed = gate_monotonic_ns() - killed
        #expect(noticed < Self.maximumAge)
        #expect(harness.metrics.redisUp.value == 0)
        #expect(harness.usablePrice(1) == nil)
        try server.start()
        let found = try harness.waitUntilLive()
        #expect(found < 1_000_000_000)
        report("killed Redis noticed", [noticed])
        report("restarted Redis found", [found])
        try harness.wait("what is gone is known to be gone") { harness.prices[1]?.availability == .absent }
        try server.client(database: 1).send("SET", "market:prices:B", "6")
        try harness.wait("changes arrive again") { harness.usablePrice(1) == "6" }
    }

    @Test func `a Redis that comes late is found`() throws {
        let server = try RedisServer()
        server.kill()
        let harness = try harness(configuration(server))
        harness.watch(symbol: 1, "B")
        try harness.wait("some attempts have failed") { harness.metrics.mirror.connects.value > 3 }
        #expect(!harness.isLive)
        try server.start()
        #expect(try harness.waitUntilLive() < 1_000_000_000)
    }

    @Test func `a Redis that hangs is not believed for longer than the age`() throws {
        let server = try RedisServer()
        let harness = try harness(configuration(server, judgesAge: false))
        harness.watch(symbol: 1, "B")
        try harness.waitUntilLive()
        try server.client(database: 1).send("SET", "market:prices:B", "5")
        try harness.wait("the price is known") { harness.usablePrice(1) == "5" }
        server.pause()
        let paused = gate_monotonic_ns()
        try harness.wait("the price is not believed") { harness.usablePrice(1) == nil }
        let believed = gate_monotonic_ns() - paused
        #expect(believed < Self.maximumAge + 50_000_000)
        report("hanging Redis believed", [believed])
        let end = paused + 3 * Self.maximumAge
        try harness.wait("a while") {
            #expect(!harness.isLive || harness.pricesUntil <= paused + Self.maximumAge)
            return gate_monotonic_ns() > end
        }
        server.resume()
        let found = try harness.waitUntilLive()
        #expect(found < 1_000_000_000)
        report("resumed Redis found", [found])
        try harness.wait("the price is believed again") { harness.usablePrice(1) == "5" }
    }

    @Test(arguments: [["CLIENT", "KILL", "TYPE", "pubsub"], ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]])
    func `losing one connection invalidates everything and rebuilds it`(command: [String]) throws {
        let server = try RedisServer()
        let harness = try harness(configuration(server, judgesAge: false))
        harness.watch(symbol: 1, "B")
        harness.watch(account: 2, "A")
        try harness.waitUntilLive()
        let client = try server.client(database: 1)
        try client.send("SET", "market:prices:B", "5")
        try harness.wait("the price is known") { harness.usablePrice(1) == "5" }
        let losses = harness.losses
        // In one transaction, so that nothing can announce the change.
        try client.send("MULTI")
        try client.send(command)
        try client.send("SET", "market:prices:B", "6")
        try client.send("EXEC")
        try harness.wait("the loss is known") { harness.losses > losses }
        #expect(harness.usablePrice(1) != "5" || !harness.isLive)
        let found = try harness.waitUntilLive()
        #expect(found < 1_000_000_000)
        report("after \(command.joined(separator: " "))", [found])
        try harness.wait("what was missed is known") { harness.usablePrice(1) == "6" }
        try client.send("SET", "market:prices:B", "7")
        try harness.wait("changes arrive again") { harness.usablePrice(1) == "7" }
    }

    @Test func `an emptied Redis leaves nothing mirrored`() throws {
        let server = try RedisServer()
        let harness = try harness(configuration(server))
        harness.watch(symbol: 1, "B")
        harness.watch(account: 2, "A")
        try harness.waitUntilLive()
        let client = try server.client()
        try server.client(database: 1).send("SET", "market:prices:B", "5")
        try client.send("SET", "account:state:A", "{}")
        try harness.wait("both are known") { harness.usablePrice(1) == "5" && harness.accounts[2] != nil }
        try client.send("FLUSHALL")
        try harness.wait("both are gone") {
            harness.prices[1]?.availability == .absent && harness.accountKinds[2] == .accountAbsent
        }
        #expect(harness.losses == 0)
        try client.send("SET", "account:state:A", "{}")
        try harness.wait("the account is back") { harness.accounts[2] != nil }
    }

    @Test func `values that are not sound are refused, and good ones taken again`() throws {
        let server = try RedisServer()
        let harness = try harness(configuration(server))
        harness.watch(symbol: 1, "B")
        harness.watch(account: 2, "A")
        try harness.waitUntilLive()
        let prices = try server.client(database: 1)
        let accounts = try server.client()
        for bad in ["", "{", "NaN", "{\"price\": -1}"] {
            try prices.send("SET", "market:prices:B", "5")
            try accounts.send("SET", "account:state:A", "{}")
            try harness.wait("good values are taken") { harness.usablePrice(1) == "5" && harness.accounts[2] != nil }
            try prices.send("SET", "market:prices:B", bad)
            try accounts.send("SET", "account:state:A", bad + "x")
            try harness.wait("\(bad) is refused") {
                harness.prices[1]?.availability == .absent && harness.accountKinds[2] == .accountRefused
            }
        }
        try prices.send("DEL", "market:prices:B")
        try prices.send("RPUSH", "market:prices:B", "5")
        try accounts.send("DEL", "account:state:A")
        try harness.wait("the account is gone") { harness.accountKinds[2] == .accountAbsent }
        try accounts.send("HSET", "account:state:A", "equity", "5")
        try harness.wait("the wrong type is refused") {
            harness.prices[1]?.availability == .absent && harness.accountKinds[2] == .accountRefused
        }
        #expect(harness.losses == 0)
        #expect(harness.metrics.mirror.prices.value(.refused) >= 4)
        #expect(harness.metrics.mirror.accounts.value(.refused) >= 5)
    }

    @Test func `authenticates, with a password alone and as a user`() throws {
        let server = try RedisServer(["--requirepass", "secret", "--user", "gate", "on", ">word", "~*", "&*", "+@all"])
        for (user, password) in [(nil, "secret"), ("gate", "word")] {
            let harness = try harness(configuration(server, user: user, password: password))
            try harness.waitUntilLive()
        }
        for (user, password) in [(nil, "wrong"), (nil, nil), ("gate", "secret")] as [(String?, String?)] {
            let harness = try harness(configuration(server, user: user, password: password))
            try harness.wait("it goes on trying") { harness.metrics.mirror.connects.value > 3 }
            #expect(!harness.isLive)
            #expect(harness.metrics.redisUp.value == 0)
        }
    }

    @Test func `keeps up with many keys that change all the time`() throws {
        let server = try RedisServer()
        let harness = try harness(configuration(server, maximumAge: 1_000_000_000))
        let count = 1000
        for symbol in 0..<count { harness.watch(symbol: UInt32(symbol), "S\(symbol)") }
        try harness.waitUntilLive()
        let client = try server.client(database: 1)
        for round in 1...10 {
            for symbol in 0..<count { try client.send("SET", "market:prices:S\(symbol)", "\(round)") }
            try client.send("SET", "market:prices:S0", "\(round).5")
        }
        let sent = gate_monotonic_ns()
        try harness.wait("the last values are known") {
            (1..<count).allSatisfy { harness.prices[UInt32($0)]?.mark.description == "10" }
                && harness.prices[0]?.mark.description == "10.5"
        }
        report("10,000 changes caught up after the last", [gate_monotonic_ns() - sent])
        #expect(harness.losses == 0)
    }

    @Test func `one key that changes faster than it can be read stays young`() throws {
        let server = try RedisServer()
        let harness = try harness(configuration(server))
        harness.watch(symbol: 1, "B")
        try harness.waitUntilLive()
        let client = try server.client(database: 1)
        var oldest: Int64 = 0
        try client.send("SET", "market:prices:B", "1")
        try harness.wait("the price is known") { harness.usablePrice(1) != nil }
        for value in 2...5000 {
            try client.send("SET", "market:prices:B", "\(value)")
            if value % 50 == 0 {
                try harness.wait("a recent price") { harness.usablePrice(1) != nil }
                oldest = max(oldest, gate_monotonic_ns() - (harness.prices[1]?.since ?? 0))
            }
        }
        try harness.wait("the last price") { harness.usablePrice(1) == "5000" }
        report("oldest of a hot key", [oldest])
        #expect(oldest < Self.maximumAge)
        #expect(harness.losses == 0)
    }
}
