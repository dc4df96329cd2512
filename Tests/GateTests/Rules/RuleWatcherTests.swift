import Foundation
import Gate
import Testing

/// A real directory, real links and the kernel's events.
@Suite struct RuleWatcherTests {
    private let directory: TemporaryDirectory
    private let loop: EventLoop

    init() throws {
        directory = try TemporaryDirectory()
        loop = try EventLoop()
    }

    /// What a watcher told, in order.
    private final class Told {
        var triggers: [RuleTrigger] = []
    }

    private func watch(_ name: String, _ told: Told) throws -> RuleWatcher {
        try RuleWatcher(path: directory.path(name), loop: loop) { told.triggers.append($0) }
    }

    private final class Alarm: EventTarget {
        var rang = false
        override func fired(_ context: UInt64) { rang = true }
    }

    /// Turns the loop until the condition holds, for at most so many milliseconds.
    private func turn(_ milliseconds: Int64 = 5000, until condition: () -> Bool) -> Bool {
        let alarm = Alarm()
        let timer = loop.schedule(at: loop.readClock() + milliseconds * 1_000_000, target: alarm, context: 0)
        defer { loop.cancel(timer) }
        while !condition() {
            if alarm.rang { return false }
            loop.turn(wait: true)
        }
        return true
    }

    /// Turns the loop until something was told, and gives it.
    private func next(_ told: Told) -> RuleTrigger? {
        guard turn(until: { !told.triggers.isEmpty }) else { return nil }
        return told.triggers.removeFirst()
    }

    /// Turns the loop long enough for anything gathered to be told.
    private func isQuiet(_ told: Told) -> Bool {
        !turn(RuleWatcher.gathering / 1_000_000 * 3, until: { !told.triggers.isEmpty })
    }

    @Test("a file written and closed, renamed into place, renamed away or removed is told")
    func changesAreTold() throws {
        try directory.makeDirectory("rules")
        let told = Told()
        let watcher = try watch("rules", told)
        defer { watcher.stop() }
        try directory.write("a", to: "rules/a.yaml")
        #expect(next(told) == .change)
        try directory.write("b", to: "b")
        try directory.rename("b", to: "rules/b.yaml")
        #expect(next(told) == .change)
        try directory.rename("rules/b.yaml", to: "b")
        #expect(next(told) == .change)
        try directory.remove("rules/a.yaml")
        #expect(next(told) == .change)
        try directory.link("rules/c.yaml", to: "../b")
        #expect(next(told) == .change)
        #expect(isQuiet(told))
    }

    @Test("a file that is being written is told when it is closed, not before")
    func modificationAloneIsNotTold() throws {
        try directory.makeDirectory("rules")
        let told = Told()
        let watcher = try watch("rules", told)
        defer { watcher.stop() }
        #expect(FileManager.default.createFile(atPath: directory.path("rules/hidden"), contents: nil))
        let name = directory.path("rules/a.yaml")
        let file = try #require(fopen(name, "w"))
        fputs("rules:", file)
        fflush(file)
        #expect(isQuiet(told))
        fclose(file)
        #expect(next(told) == .change)
    }

    @Test("what is no rule file is not told")
    func otherFilesAreNotTold() throws {
        try directory.makeDirectory("rules")
        let told = Told()
        let watcher = try watch("rules", told)
        defer { watcher.stop() }
        for name in ["README.md", ".a.yaml.swp", ".#a.yaml", "a.yaml~"] {
            try directory.write("x", to: "rules/\(name)")
        }
        #expect(isQuiet(told))
    }

    @Test("changes at once are told once")
    func changesAreGathered() throws {
        try directory.makeDirectory("rules")
        let told = Told()
        let watcher = try watch("rules", told)
        defer { watcher.stop() }
        for index in 0..<50 { try directory.write("x", to: "rules/\(index).yaml") }
        #expect(next(told) == .change)
        #expect(isQuiet(told))
    }

    @Test("the directory's link is swapped: told as such, and the new directory is watched instead")
    func directoryLinkIsSwapped() throws {
        try directory.makeDirectory("v1")
        try directory.makeDirectory("v2")
        try directory.link("rules", to: "v1")
        let told = Told()
        let watcher = try watch("rules", told)
        defer { watcher.stop() }
        try directory.link("next", to: "v2")
        try directory.rename("next", to: "rules")
        #expect(next(told) == .linkSwapped)
        try directory.write("a", to: "v1/a.yaml")
        #expect(isQuiet(told))
        try directory.write("a", to: "v2/a.yaml")
        #expect(next(told) == .change)
        try directory.remove("rules")
        #expect(next(told) == .change)
        try directory.link("rules", to: "v1")
        #expect(next(told) == .linkSwapped)
    }

    @Test("a link further up the path is swapped: told as such")
    func linkOnTheWayIsSwapped() throws {
        try directory.makeDirectory("v1/rules")
        try directory.makeDirectory("v2/rules")
        try directory.link("current", to: directory.path("v1"))
        let told = Told()
        let watcher = try watch("current/../current/rules", told)
        defer { watcher.stop() }
        try directory.link("next", to: "v2")
        try directory.rename("next", to: "current")
        #expect(next(told) == .linkSwapped)
        try directory.write("a", to: "v2/rules/a.yaml")
        #expect(next(told) == .change)
    }

    @Test("..data is swapped as Kubernetes does it: told as a swapped link, and stays so with other changes")
    func dataLinkIsSwapped() throws {
        try directory.makeDirectory("rules/..2026_01")
        try directory.write("a", to: "rules/..2026_01/a.yaml")
        try directory.link("rules/..data", to: "..2026_01")
        try directory.link("rules/a.yaml", to: "..data/a.yaml")
        let told = Told()
        let watcher = try watch("rules", told)
        defer { watcher.stop() }
        try directory.makeDirectory("rules/..2026_02")
        try directory.write("a", to: "rules/..2026_02/a.yaml")
        try directory.link("rules/..data_tmp", to: "..2026_02")
        try directory.rename("rules/..data_tmp", to: "rules/..data")
        try directory.write("b", to: "rules/b.yaml")
        #expect(next(told) == .linkSwapped)
        #expect(isQuiet(told))
    }

    @Test("a directory that goes and comes again is told as a change and watched anew")
    func directoryComesAgain() throws {
        let told = Told()
        let watcher = try watch("etc/rules", told)
        defer { watcher.stop() }
        try directory.makeDirectory("etc")
        #expect(next(told) == .change)
        try directory.makeDirectory("etc/rules")
        #expect(next(told) == .change)
        try directory.write("a", to: "etc/rules/a.yaml")
        #expect(next(told) == .change)
        try directory.rename("etc/rules", to: "etc/old")
        #expect(next(told) == .change)
        try directory.rename("etc/old", to: "etc/rules")
        #expect(next(told) == .change)
        try directory.write("b", to: "etc/rules/b.yaml")
        #expect(next(told) == .change)
    }

    @Test("events that the kernel dropped are told as a change")
    func overflowIsTold() throws {
        let limit = try #require(
            Int(
                String(contentsOfFile: "/proc/sys/fs/inotify/max_queued_events", encoding: .utf8)
                    .trimmingCharacters(in: .whitespacesAndNewlines)))
        try directory.makeDirectory("rules")
        try directory.write("x", to: "rules/x")
        let told = Told()
        let watcher = try watch("rules", told)
        defer { watcher.stop() }
        for _ in 0..<limit / 4 + 1 {
            try directory.rename("rules/x", to: "rules/y")
            try directory.rename("rules/y", to: "rules/x")
        }
        #expect(next(told) == .change)
    }

    @Test("a request is told at once, and swallows what is being gathered")
    func requestIsToldAtOnce() throws {
        try directory.makeDirectory("rules")
        let told = Told()
        let watcher = try watch("rules", told)
        defer { watcher.stop() }
        try directory.write("a", to: "rules/a.yaml")
        loop.turn(wait: true)
        #expect(told.triggers == [])
        watcher.request()
        #expect(told.triggers == [.requested])
        told.triggers = []
        #expect(isQuiet(told))
    }
}
