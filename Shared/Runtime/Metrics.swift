import Synchronization

/// The numbers a process shows to Prometheus. Names get the prefix `liaison_`; a counter's name
/// ends in `_total`, and units stand in the name (`_seconds`, `_bytes`).
///
/// Labels are bounded by construction: their values are the cases of an enumeration
/// (``MetricLabel``), so no text from outside can become a label. Every label combination is there
/// from the start with the value 0, and counting is one relaxed atomic addition.
public final class Metrics: Sendable {
    /// Prometheus text exposition format 0.0.4.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private struct Family {
        let name: String
        let help: String
        let type: String
        let samples: @Sendable () -> [Sample]
    }

    private let families = Mutex<[Family]>([])

    public init() {}

    public func counter(_ name: String, _ help: String) -> Counter {
        let counter = Counter()
        add(name, help, "counter") { [Sample(value: counter.value)] }
        return counter
    }

    public func counter<Label: MetricLabel>(
        _ name: String, _ help: String, by: Label.Type
    ) -> Labelled<Label, Counter> {
        let family = Labelled<Label, Counter> { Counter() }
        add(name, help, "counter") { family.samples { [Sample(value: $0.value)] } }
        return family
    }

    public func gauge(_ name: String, _ help: String) -> Gauge {
        let gauge = Gauge()
        add(name, help, "gauge") { [Sample(value: gauge.value)] }
        return gauge
    }

    /// Makes a gauge whose value is read at each rendering.
    public func gauge(_ name: String, _ help: String, read: @escaping @Sendable () -> Int) {
        add(name, help, "gauge") { [Sample(value: read())] }
    }

    /// Makes such a gauge for each value of a label.
    public func gauge<Label: MetricLabel>(
        _ name: String, _ help: String, by: Label.Type, read: @escaping @Sendable (Label) -> Int
    ) {
        add(name, help, "gauge") {
            Label.allCases.map { Sample(labels: $0.labels, value: read($0)) }
        }
    }

    /// - Parameter buckets: upper bounds, ascending, inclusive; `+Inf` is added.
    public func histogram(_ name: String, _ help: String, buckets: [Double]) -> Histogram {
        let histogram = Histogram(buckets: buckets)
        add(name, help, "histogram") { histogram.samples }
        return histogram
    }

    public func histogram<Label: MetricLabel>(
        _ name: String, _ help: String, buckets: [Double], by: Label.Type
    ) -> Labelled<Label, Histogram> {
        let family = Labelled<Label, Histogram> { Histogram(buckets: buckets) }
        add(name, help, "histogram") { family.samples { $0.samples } }
        return family
    }

    /// All families in the order of their making.
    public func render() -> String {
        var text = ""
        for family in families.withLock({ $0 }) {
            text += "# HELP \(family.name) \(family.help)\n# TYPE \(family.name) \(family.type)\n"
            for sample in family.samples() { text += sample.line(of: family.name) }
        }
        return text
    }

    private func add(
        _ name: String, _ help: String, _ type: String,
        _ samples: @escaping @Sendable () -> [Sample]
    ) {
        families.withLock {
            $0.append(Family(name: "liaison_\(name)", help: help, type: type, samples: samples))
        }
    }
}

/// One line of the exposition, without its family's name.
struct Sample {
    var suffix = ""
    var labels: [(name: String, value: String)] = []
    let value: String

    init(_ suffix: String = "", labels: [(name: String, value: String)] = [], value: some Numeric) {
        self.suffix = suffix
        self.labels = labels
        self.value = "\(value)"
    }

    func line(of name: String) -> String {
        let list = labels.map { "\($0.name)=\"\($0.value)\"" }.joined(separator: ",")
        return "\(name)\(suffix)\(list.isEmpty ? "" : "{\(list)}") \(value)\n"
    }
}
