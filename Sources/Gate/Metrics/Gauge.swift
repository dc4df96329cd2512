/// A whole number that goes up and down. One thread writes it; any thread may read it.
package final class Gauge: ExposedMetric {
    private let declaration: MetricDeclaration
    private let cells = MetricCells(count: 1)

    package init(_ name: String, help: String, labels: [MetricLabel] = []) {
        declaration = MetricDeclaration(name, help: help, type: .gauge, labels: labels)
    }

    /// Only the metric's own thread may call it.
    package func set(_ value: Int64) { cells.set(UInt64(bitPattern: value), at: 0) }

    /// Adds `change`, which may be below zero. Only the metric's own thread may call it.
    package func add(_ change: Int64) { cells.add(UInt64(bitPattern: change), at: 0) }

    package var value: Int64 { Int64(bitPattern: cells.value(at: 0)) }

    package func write(into text: inout PrometheusText) {
        text.open(declaration)
        text.sample(labels: declaration.labels, value: value)
    }
}

/// Gauges of one name, told apart by labels whose values are known in advance. One thread writes them all.
package final class LabelledGauges<Labels: MetricLabels>: ExposedMetric {
    private let declaration: MetricDeclaration
    private let cells = MetricCells(count: Labels.capacity)

    package init(_ name: String, help: String) {
        declaration = MetricDeclaration(name, help: help, type: .gauge)
    }

    /// Only the metric's own thread may call it.
    package func set(_ value: Int64, _ labels: Labels) {
        cells.set(UInt64(bitPattern: value), at: labels.index)
    }

    /// Adds `change`, which may be below zero. Only the metric's own thread may call it.
    package func add(_ change: Int64, _ labels: Labels) {
        cells.add(UInt64(bitPattern: change), at: labels.index)
    }

    package func value(_ labels: Labels) -> Int64 { Int64(bitPattern: cells.value(at: labels.index)) }

    package func write(into text: inout PrometheusText) {
        text.open(declaration)
        for labels in Labels.all { text.sample(labels: labels.labels, value: value(labels)) }
    }
}
