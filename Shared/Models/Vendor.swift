/// A service that Liaison connects. The raw value is its label in metrics and in the database.
public enum Vendor: String, CaseIterable, Sendable {
    case pagerDuty = "pagerduty"
    case salesforce
}

extension Vendor {
    /// The name as people write it.
    public var productName: String {
        switch self {
        case .pagerDuty: "PagerDuty"
        case .salesforce: "Salesforce"
        }
    }
}
