import Gate
import RiskRules
import Testing

/// The section `unwind`: off unless asked for, and only where Gate can and may act.
@Suite struct ConfigurationUnwindTests {
    private func read(_ text: String, upstream: String = "127.0.0.1:50061") -> Result<
        GateConfiguration, ConfigurationProblems
    > {
        let needed = "listen: 127.0.0.1:50051\nupstream: \(upstream)\norders: o.yaml\nrules: r\n"
        return ConfigurationReader.read(file: "gate.yaml", environment: [:], hostName: "host-1") { _ in
            Array((needed + text).utf8)
        }
    }

    private func problems(_ text: String, upstream: String = "127.0.0.1:50061") -> [String] {
        guard case .failure(let failure) = read(text, upstream: upstream) else { return [] }
        return failure.problems.map(\.description)
    }

    @Test func `nothing is unwound unless the file says so`() throws {
        let unwind = try read("").get().unwind
        #expect(!unwind.isEnabled)
        #expect(unwind.triggers == [.rule])
        #expect(unwind.concurrency == 8)
        #expect(unwind.timeout == .seconds(5))
        #expect(unwind.attempts == 5)
        #expect(unwind.backoff == .milliseconds(250))
        #expect(unwind.strategy == nil)
        #expect(unwind.timeInForce == nil)
    }

    @Test func `every key is read`() throws {
        let text =
            "unwind: {enabled: true, triggers: [rule, person, breaker, peer], concurrency: 64, timeout: 10ms, attempts: 100, "
            + "backoff: 10s, strategy: unwinder, time_in_force: IOC}"
        let unwind = try read(text).get().unwind
        #expect(unwind.isEnabled)
        #expect(unwind.triggers == [.rule, .person, .breaker, .peer])
        #expect(unwind.concurrency == 64)
        #expect(unwind.timeout == .milliseconds(10))
        #expect(unwind.attempts == 100)
        #expect(unwind.backoff == .seconds(10))
        #expect(unwind.strategy?.value == "unwinder")
        #expect(unwind.timeInForce?.value == "IOC")
    }

    @Test(arguments: [
        ("unwind: {enabled: yes}", "unwind.enabled: true or false"),
        ("unwind: {triggers: [rules]}", "unwind.triggers: one of rule, person, breaker, peer"),
        ("unwind: {triggers: rule}", "unwind.triggers: a list"), ("unwind: {concurrency: 0}", "unwind.concurrency"),
        ("unwind: {concurrency: 65}", "unwind.concurrency"), ("unwind: {timeout: 9ms}", "unwind.timeout"),
        ("unwind: {attempts: 0}", "unwind.attempts"), ("unwind: {attempts: 101}", "unwind.attempts"),
        ("unwind: {backoff: 11s}", "unwind.backoff"), ("unwind: {strategy: \"a b\"}", "unwind.strategy"),
        ("unwind: {retries: 3}", "unwind: unknown key \"retries\""),
    ])
    func `a bad value is a problem`(_ text: String, _ problem: String) {
        let problems = problems(text)
        #expect(problems.count == 1)
        #expect(problems.first?.contains(problem) == true, "\(problems)")
        #expect(problems.first?.hasPrefix("gate.yaml:5:") == true)
    }

    @Test func `where Gate has no endpoint of its own, or only watches, it cannot be had`() {
        let on = "unwind: {enabled: true}"
        #expect(problems(on).isEmpty)
        #expect(problems("unwind: {enabled: false}\nmode: shadow", upstream: "original-destination").isEmpty)
        #expect(
            problems(on, upstream: "original-destination") == [
                "gate.yaml:5:19: unwind.enabled: with upstream: original-destination Gate has no endpoint of its own to send to; write false, or an address as upstream"
            ])
        #expect(
            problems("\(on)\nmode: shadow") == [
                "gate.yaml:5:19: unwind.enabled: with mode: shadow Gate only watches; write false, or mode: enforce"
            ])
    }
}
