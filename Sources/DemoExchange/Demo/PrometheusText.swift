import Foundation

/// A page in the Prometheus text format, read for what the demo shows.
package struct PrometheusText: Sendable {
    package struct Sample: Sendable {
        package let labels: [String: String]
        package let value: Double
    }

    private var samples: [String: [Sample]] = [:]

    /// Lines that are not samples are passed over.
    package init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            guard let (name, sample) = Self.sample(line) else { continue }
            samples[name, default: []].append(sample)
        }
    }

    package func samples(_ name: String) -> [Sample] { samples[name] ?? [] }

    package func sum(_ name: String, where labels: [String: String] = [:]) -> Double {
        samples(name).filter { Self.matches($0, labels) }.reduce(0) { $0 + $1.value }
    }

    /// A histogram's buckets, added up over the series that have `labels`.
    package func histogram(_ name: String, where labels: [String: String] = [:]) -> BucketCounts {
        var buckets: [Double: Double] = [:]
        for sample in samples(name + "_bucket") where Self.matches(sample, labels) {
            guard let bound = sample.labels["le"].flatMap({ $0 == "+Inf" ? .infinity : Double($0) }) else { continue }
            buckets[bound, default: 0] += sample.value
        }
        return BucketCounts(cumulative: buckets.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }

    private static func matches(_ sample: Sample, _ labels: [String: String]) -> Bool {
        labels.allSatisfy { sample.labels[$0.key] == $0.value }
    }

    private static func sample(_ line: Substring) -> (String, Sample)? {
        guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
            return nil
        }
        let series = line[..<space]
        guard let brace = series.firstIndex(of: "{"), series.last == "}" else {
            return (String(series), Sample(labels: [:], value: value))
        }
        let inside = series[series.index(after: brace)...].dropLast()
        return (String(series[..<brace]), Sample(labels: labels(inside), value: value))
    }

    private static func labels(_ text: Substring) -> [String: String] {
        var labels: [String: String] = [:]
        var rest = text
        while let equals = rest.firstIndex(of: "=") {
            let name = rest[..<equals].drop { $0 == "," || $0 == " " }
            rest = rest[equals...].dropFirst()
            guard rest.first == "\"" else { break }
            rest = rest.dropFirst()
            var value = ""
            while let character = rest.popFirst(), character != "\"" {
                guard character == "\\" else {
                    value.append(character)
                    continue
                }
                let escaped = rest.popFirst()
                value.append(escaped == "n" ? "\n" : escaped ?? "\\")
            }
            labels[String(name)] = value
        }
        return labels
    }
}

/// Counts of a histogram's observations at or below each bound, in seconds.
package struct BucketCounts: Sendable {
    private let cumulative: [(bound: Double, count: Double)]

    package init(cumulative: [(bound: Double, count: Double)]) { self.cumulative = cumulative }

    package var count: Double { cumulative.last?.count ?? 0 }

    /// What was observed since `earlier`, of the same histogram.
    package func since(_ earlier: BucketCounts) -> BucketCounts {
        guard earlier.cumulative.count == cumulative.count, earlier.count <= count else { return self }
        return BucketCounts(
            cumulative: zip(cumulative, earlier.cumulative).map { ($0.bound, $0.count - $1.count) })
    }

    /// Interpolated within its bucket, as Prometheus does; nil without observations. Seconds.
    package func quantile(_ quantile: Double) -> Double? {
        let rank = quantile * count
        guard count > 0, let index = cumulative.firstIndex(where: { $0.count >= rank }) else { return nil }
        let (upper, below) = (cumulative[index].bound, index == 0 ? 0 : cumulative[index - 1].count)
        let lower = index == 0 ? 0 : cumulative[index - 1].bound
        guard upper.isFinite else { return lower }
        let inside = cumulative[index].count - below
        return inside > 0 ? lower + (upper - lower) * (rank - below) / inside : upper
    }
}
