import Connectors
import Models
import Runtime

/// Counts the calls to the vendors by their status, and measures how long they take.
struct CallMeter: Sendable {
    /// The class of an HTTP status, as the metric's label.
    enum StatusClass: String, NamedMetricLabel {
        static let labelName = "status"
        case success = "2xx"
        case redirect = "3xx"
        case refused = "4xx"
        case throttled = "429"
        case serverError = "5xx"
        /// No answer came.
        case none

        init(_ status: Int?) {
            self =
                switch status ?? 0 {
                case 0: .none
                case 429: .throttled
                case ..<300: .success
                case ..<400: .redirect
                case ..<500: .refused
                case _: .serverError
                }
        }
    }

    private let seconds: Labelled<LabelPair<Vendor, StatusClass>, Histogram>

    init(_ registry: Metrics) {
        seconds = registry.histogram(
            "vendor_call_seconds",
            "Time from sending a call to the end of the vendor's answer, by status.",
            buckets: Histogram.requestSeconds, by: LabelPair<Vendor, StatusClass>.self)
    }

    func count(_ report: CallReport, _ vendor: Vendor) {
        seconds[vendor, StatusClass(report.status)].observe(report.took)
    }
}
