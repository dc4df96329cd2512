import Gate
import RiskRules
import Testing

@Suite struct ConfigurationJournalTests {
    private func read(_ journal: String) -> Result<GateConfiguration, ConfigurationProblems> {
        let text = """
            listen: 127.0.0.1:50051
            upstream: 127.0.0.1:50061
            orders: orders/b25.yaml
            rules: ../rules
            state_dir: state
            \(journal)
            """
        return ConfigurationReader.read(file: "deploy/gate.yaml", environment: [:], hostName: "host-1") { _ in
            Array(text.utf8)
        }
    }

    @Test func `a journal of which the file says nothing has its defaults, in the state directory`() throws {
        let configuration = try read("").get()
        #expect(configuration.journal == JournalConfiguration())
        #expect(configuration.journal.segmentBytes == 67_108_864)
        #expect(configuration.journal.retainedSegments == 256)
        #expect(configuration.journal.retention == .seconds(2_592_000))
        #expect(configuration.journalDirectory == "deploy/state/journal")
    }

    @Test(arguments: [
        ("segment_bytes", "1048576", "1048575"), ("segment_bytes", "1073741824", "1073741825"),
        ("retained_segments", "2", "1"), ("retained_segments", "1000000", "1000001"), ("retention", "1m", "59s"),
        ("retention", "10000h", "10001h"),
    ])
    func `a value of the journal passes at its bound and is refused beyond`(
        key: String, allowed: String, refused: String
    ) throws {
        _ = try read("journal: {\(key): \(allowed)}").get()
        guard case .failure(let failure) = read("journal: {\(key): \(refused)}") else {
            Issue.record("\(refused) was taken")
            return
        }
        #expect(failure.problems.count == 1)
        #expect(failure.problems.first?.description.hasPrefix("deploy/gate.yaml:6:") == true)
        #expect(failure.problems.first?.description.contains("journal.\(key)") == true)
    }
}
