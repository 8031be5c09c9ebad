import HTTP

/// How much of the organisation's daily requests is used (`Sforce-Limit-Info`), the only warning
/// that Salesforce gives: `api-usage=25/5000; per-app-api-usage=17/250(appName=my-app)`.
public struct APIUsage: Hashable, Sendable {
    public struct Share: Hashable, Sendable {
        public var used: Int
        public var allowed: Int

        public init(used: Int, allowed: Int) {
            self.used = used
            self.allowed = allowed
        }

        init?(_ text: Substring) {
            let numbers = text.prefix { $0 != "(" }.split(separator: "/")
            guard numbers.count == 2, let used = Int(numbers[0]), let allowed = Int(numbers[1]),
                used >= 0, allowed > 0
            else { return nil }
            self.init(used: used, allowed: allowed)
        }
    }

    /// Of the whole organisation, over the last 24 hours.
    public var organization: Share
    /// Of our app, where the organisation limits it.
    public var app: Share?

    public init(organization: Share, app: Share? = nil) {
        self.organization = organization
        self.app = app
    }

    init?(_ headers: HTTPHeaders) {
        guard let text = headers["Sforce-Limit-Info"] else { return nil }
        var shares: [Substring: Share] = [:]
        for item in text.split(whereSeparator: { $0 == ";" || $0 == " " }) {
            guard let equals = item.firstIndex(of: "=") else { continue }
            shares[item[..<equals]] = Share(item[equals...].dropFirst())
        }
        guard let organization = shares["api-usage"] else { return nil }
        self.init(organization: organization, app: shares["per-app-api-usage"])
    }
}
