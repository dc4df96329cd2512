import CLinux
import Glibc

/// What the kernel says of this process, read at each scrape.
struct ProcessMetrics: ExposedMetric {
    private static let memory = MetricDeclaration(
        "process_resident_memory_bytes", help: "Resident memory size in bytes.", type: .gauge)
    private static let processor = MetricDeclaration(
        "process_cpu_seconds_total", help: "User and system CPU time spent in seconds.", type: .counter)
    private static let descriptors = MetricDeclaration(
        "process_open_fds", help: "Number of open file descriptors.", type: .gauge)

    func write(into text: inout PrometheusText) {
        if let bytes = residentBytes() {
            text.open(Self.memory)
            text.sample(value: bytes)
        }
        text.open(Self.processor)
        text.sample(text: PrometheusText.seconds(UInt64(clamping: gate_processor_ns())))
        if let count = openDescriptors() {
            text.open(Self.descriptors)
            text.sample(value: count)
        }
    }

    /// The second field of `/proc/self/statm`, in pages (proc(5)).
    private func residentBytes() -> UInt64? {
        let file = gate_open("/proc/self/statm", O_RDONLY | O_CLOEXEC, 0)
        guard file >= 0 else { return nil }
        defer { close(file) }
        return withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
            let length = read(file, buffer.baseAddress, buffer.count)
            guard length > 0 else { return nil }
            let fields = buffer[..<length].split(separator: UInt8(ascii: " "))
            guard fields.count > 1, let pages = UInt64(String(decoding: fields[1], as: UTF8.self)) else { return nil }
            let (bytes, overflow) = pages.multipliedReportingOverflow(by: UInt64(getpagesize()))
            return overflow ? nil : bytes
        }
    }

    private func openDescriptors() -> Int? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // Less `.`, `..` and the descriptor of the directory itself.
        return max(0, count - 3)
    }
}
