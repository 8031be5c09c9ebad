import XCTest

@testable import Connectors

/// An invented PagerDuty account.
enum Account {
    static func settings(
        origin: String = "https://api.pagerduty.com",
        credential: PagerDutySettings.Credential = .apiKey("key"),
        from: String? = "bridge@example.com"
    ) -> PagerDutySettings {
        PagerDutySettings(
            origin: ServerOrigin(origin)!, credential: credential, from: from)
    }
}
