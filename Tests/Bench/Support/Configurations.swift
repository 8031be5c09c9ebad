import Models

extension Configuration {
    /// One PagerDuty account that may send `Webhooks`. No server listens at the URL of its API.
    static func webhooksOnly(_ id: ConnectionID = "bench", rulesets: [Ruleset] = []) -> Self {
        let account = PagerDutyAccount(
            apiURL: "http://127.0.0.1:9", token: SecretText("no-token"), from: "bench@example.com",
            webhooks: [
                WebhookSubscription(
                    subscription: Webhooks.subscription, secret: SecretText(Webhooks.secret))
            ])
        let connection = Connection(id: id, name: id.rawValue, pagerDuty: account)
        return Configuration(entries: [ConnectionEntry(connection: connection, rulesets: rulesets)])
    }
}
