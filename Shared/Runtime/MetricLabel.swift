/// The values of one label, or of several that vary together. Conform an enumeration of strings and
/// name its label; nothing else is needed.
public protocol MetricLabel: CaseIterable, Hashable, Sendable {
    /// Name and value, as Prometheus shows them. Both are words of the program.
    var labels: [(name: String, value: String)] { get }
}

/// A label that is an enumeration of strings.
public protocol NamedMetricLabel: MetricLabel, RawRepresentable<String> {
    static var labelName: String { get }
}

extension NamedMetricLabel {
    public var labels: [(name: String, value: String)] { [(Self.labelName, rawValue)] }
}

/// Two labels at once, in every combination.
public struct LabelPair<First: MetricLabel, Second: MetricLabel>: MetricLabel {
    public let first: First
    public let second: Second

    public init(_ first: First, _ second: Second) {
        self.first = first
        self.second = second
    }

    public static var allCases: [LabelPair] {
        First.allCases.flatMap { first in Second.allCases.map { LabelPair(first, $0) } }
    }

    public var labels: [(name: String, value: String)] { first.labels + second.labels }
}

/// A metric for each value of a label.
public struct Labelled<Label: MetricLabel, Metric: Sendable>: Sendable {
    private let metrics: [Label: Metric]
    /// The metric of a value that `allCases` leaves out. It is shown nowhere: a test of the label's
    /// type finds that, and a running service survives it.
    private let unlisted: Metric

    init(_ make: () -> Metric) {
        metrics = Dictionary(
            Label.allCases.map { ($0, make()) }, uniquingKeysWith: { first, _ in first })
        unlisted = make()
    }

    public subscript(label: Label) -> Metric { metrics[label] ?? unlisted }

    func samples(_ read: (Metric) -> [Sample]) -> [Sample] {
        Label.allCases.flatMap { label in
            read(self[label]).map { sample in
                var sample = sample
                sample.labels = label.labels + sample.labels
                return sample
            }
        }
    }
}

extension Labelled {
    public subscript<First, Second>(first: First, second: Second) -> Metric
    where Label == LabelPair<First, Second> { self[LabelPair(first, second)] }
}
