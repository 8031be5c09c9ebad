import Connectors
import Runtime

/// Calls to the vendors, by how they ended and how long they took.
struct CallMeter: Sendable {
    enum Status: String, NamedMetricLabel {
        static let labelName = "status"
        case success = "2xx"
        case redirect = "3xx"
        case refused = "4xx"
        case throttled = "429"
        case trouble = "5xx"
        case none

        init(_ status: Int?) {
            self =
                switch status ?? 0 {
                case 0: .none
                case 429: .throttled
                case ..<300: .success
                case ..<400: .redirect
                case ..<500: .refused
                case _: .trouble
                }
        }
    }

    private let seconds: Labelled<LabelPair<Vendors.Side, Status>, Histogram>

    init(_ registry: Metrics) {
        seconds = registry.histogram(
            "vendor_call_seconds", "Calls to vendors by status, from sending to the whole answer.",
            buckets: Histogram.requestSeconds, by: LabelPair<Vendors.Side, Status>.self)
    }

    func count(_ report: CallReport, _ side: Vendors.Side) {
        seconds[side, Status(report.status)].observe(report.took)
    }
}
