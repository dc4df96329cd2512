/// A number that only grows. One thread writes it; any thread may read it.
package final class Counter: ExposedMetric {
    private let declaration: MetricDeclaration
    private let cells = MetricCells(count: 1)

    package init(_ name: String, help: String, labels: [MetricLabel] = []) {
        declaration = MetricDeclaration(name, help: help, type: .counter, labels: labels)
    }

    /// Counts one more, or `amount` more. Only the metric's own thread may call it.
    package func add(_ amount: UInt64 = 1) { cells.add(amount, at: 0) }

    package var value: UInt64 { cells.value(at: 0) }

    package func write(into text: inout PrometheusText) {
        text.open(declaration)
        text.sample(labels: declaration.labels, value: value)
    }
}

/// Counters of one name, told apart by labels whose values are known in advance. One thread writes them all.
package final class LabelledCounters<Labels: MetricLabels>: ExposedMetric {
    private let declaration: MetricDeclaration
    private let cells = MetricCells(count: Labels.capacity)

    package init(_ name: String, help: String) {
        declaration = MetricDeclaration(name, help: help, type: .counter)
    }

    /// Counts one more. Only the metric's own thread may call it.
    package func add(_ labels: Labels) { cells.add(1, at: labels.index) }

    /// Takes over a count that is kept elsewhere. Only the metric's own thread may call it.
    package func set(_ value: Int, _ labels: Labels) {
        cells.set(UInt64(clamping: value), at: labels.index)
    }

    package func value(_ labels: Labels) -> UInt64 { cells.value(at: labels.index) }

    package func write(into text: inout PrometheusText) {
        text.open(declaration)
        for labels in Labels.all { text.sample(labels: labels.labels, value: value(labels)) }
    }
}
