/// The types of the Prometheus text format that Gate uses.
package enum MetricType: String, Sendable { case counter, gauge, histogram }

/// One label of a sample. Label names are ours; values may be text that a person wrote and are escaped when written.
package struct MetricLabel: Hashable, Sendable {
    package var name: String
    package var value: String
    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// What a metric is called and what it means. The unit ends the name (`_seconds`, `_bytes`, `_total` for a count).
package struct MetricDeclaration: Sendable {
    package let name: String
    package let help: String
    package let type: MetricType
    /// Labels that all samples of the metric carry.
    package let labels: [MetricLabel]

    package init(_ name: String, help: String, type: MetricType, labels: [MetricLabel] = []) {
        self.name = name
        self.help = help
        self.type = type
        self.labels = labels
    }
}

/// A metric that can write its samples. Metrics of one name are written one after the other and form a family.
package protocol ExposedMetric: Sendable {
    func write(into text: inout PrometheusText)
}

/// A fixed set of label values, known when Gate is built, that tells the samples of a family apart.
package protocol MetricLabels: Sendable {
    /// Every combination that is written.
    static var all: [Self] { get }
    /// One more than the largest `index`.
    static var capacity: Int { get }
    /// The combination's place among the cells.
    var index: Int { get }
    var labels: [MetricLabel] { get }
}

/// An enumeration that stands for the values of one label.
package protocol MetricLabelValue: MetricLabels, CaseIterable, RawRepresentable where RawValue == UInt8 {
    static var label: String { get }
    /// The label's value in `snake_case`.
    var text: String { get }
}

extension MetricLabelValue {
    package static var all: [Self] { Array(allCases) }
    package static var capacity: Int { allCases.reduce(0) { max($0, Int($1.rawValue) + 1) } }
    package var index: Int { Int(rawValue) }
    package var labels: [MetricLabel] { [MetricLabel(Self.label, text)] }
}
