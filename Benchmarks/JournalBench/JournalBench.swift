import CLinux
import Gate
import Glibc
import RiskRules

/// Measures the journal by itself: what an order's records cost the thread that writes them and the thread that keeps them, and what
/// a restart takes. Arguments: how many orders, and how many a second; none a second: as fast as they can be.
@main
enum JournalBench {
    static func main() throws {
        let numbers = try CommandLine.arguments.dropFirst().map { text in
            guard let number = Int(text), number >= 0 else { throw Wrong(argument: text) }
            return number
        }
        var template = Array("\(environment("TMPDIR") ?? "/var/tmp")/journal-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp", errno: errno) }
        let directory = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        defer { remove(directory) }
        let orders = numbers.first ?? 200_000
        try write(orders, perSecond: numbers.dropFirst().first ?? 0, in: directory)
    }

    private struct Wrong: Error {
        var argument: String
    }

    private static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    private static func remove(_ directory: String) {
        guard let files = try? JournalFiles(listing: directory) else { return }
        for kind in JournalFiles.Kind.allCases {
            for number in files.numbers(kind) { unlink(files.path(kind, number)) }
        }
        rmdir(directory)
    }

    private static func write(_ orders: Int, perSecond rate: Int, in directory: String) throws {
        let desk = try JournalBenchDesk(in: directory)
        // The pages of what it works on, and the first segment.
        let warm = orders / 10
        for _ in 0..<warm { desk.pass(one: nil) }
        let keeperBefore = desk.keeperNanoseconds()
        let (bytesBefore, before) = (desk.bytes, ThreadUse())
        var times = LatencyList(capacity: orders)
        let start = gate_monotonic_ns()
        for order in 0..<orders {
            if rate > 0 {
                let due = start + Int64(order) * 1_000_000_000 / Int64(rate)
                while gate_monotonic_ns() < due {}
            }
            desk.pass(one: &times)
        }
        let elapsed = gate_monotonic_ns() - start
        let after = ThreadUse()
        let bytes = Double(desk.bytes - bytesBefore)
        // As a crash would leave it.
        let restart = try restart(in: directory)
        try desk.close()
        let keeper = Double(desk.keeperNanoseconds() - keeperBefore)
        let each = Double(orders)
        print("\(orders) orders in \(text(Double(elapsed) / 1e9)) s")
        print("bytes per order                     \(text(bytes / each))")
        print("order thread, ns per order          \(times.summary)")
        print("order thread, page faults           \(after.faults - before.faults)")
        print("order thread, switched off          \(after.switches - before.switches)")
        print("journal thread, ns of CPU per order \(text(keeper / each))")
        print("restart                             \(restart)")
    }

    private static func restart(in directory: String) throws -> String {
        let start = gate_monotonic_ns()
        let recovery = try JournalRecovery(
            directory: directory, limits: JournalBenchDesk.limits, ruleSet: try JournalBenchDesk.rules())
        let read = gate_monotonic_ns() - start
        guard recovery.problems.isEmpty else { throw Unreadable(problems: recovery.problems) }
        let each = Double(read) / Double(max(recovery.recordsRead, 1))
        return
            "\(recovery.recordsRead) records of \(recovery.bytesRead) bytes in \(text(Double(read) / 1e6)) ms, \(text(each)) ns each"
    }

    private struct Unreadable: Error {
        var problems: [String]
    }

    static func text(_ value: Double) -> String {
        let scale: Double = value.magnitude < 10 ? 100 : value.magnitude < 100 ? 10 : 1
        let rounded = (value * scale).rounded() / scale
        return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
    }
}

/// What the kernel counts of the calling thread.
private struct ThreadUse {
    var faults: Int
    var switches: Int

    init() {
        var usage = rusage()
        // RUSAGE_THREAD, which the headers hide.
        getrusage(1, &usage)
        faults = usage.ru_minflt + usage.ru_majflt
        switches = usage.ru_nivcsw + usage.ru_nvcsw
    }
}

/// How long calls took, nanoseconds, less what reading the clock takes.
struct LatencyList {
    private var times: [Int64] = []
    private let clock: Int64

    init(capacity: Int) {
        times.reserveCapacity(capacity)
        // Touched before, so that no page of it is new.
        times.append(contentsOf: repeatElement(0, count: capacity))
        times.removeAll(keepingCapacity: true)
        clock =
            (0..<10_000).map { _ in
                let start = gate_monotonic_ns()
                return gate_monotonic_ns() - start
            }.sorted()[5000]
    }

    mutating func add(_ time: Int64, readings: Int64) { times.append(max(0, time - readings * clock)) }

    var summary: String {
        let sorted = times.sorted()
        guard let worst = sorted.last else { return "none" }
        func percentile(_ share: Double) -> Int64 { sorted[Int(Double(sorted.count - 1) * share)] }
        let mean = Double(sorted.reduce(0, +)) / Double(sorted.count)
        return
            "mean \(JournalBench.text(mean)), p50 \(percentile(0.5)), p99 \(percentile(0.99)), p99.9 \(percentile(0.999)), worst \(worst), over 100 us: \(sorted.count { $0 > 100_000 })"
    }
}
