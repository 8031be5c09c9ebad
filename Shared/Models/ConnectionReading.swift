import JSON

/// Turns the place where a secret should stand into the secret: a file or a variable in the
/// administrator's file, a name in the database. Notes a problem and gives `nil` when it cannot.
public typealias SecretResolver = (JSONReader) -> SecretText?

extension Connection {
    /// Notes every problem at its pointer; `nil` when something that is required is unusable. What
    /// a person wrote is also for `check`.
    public init?(reading reader: JSONReader, secrets: SecretResolver) {
        let id = reader.required("id")?.string().map(ConnectionID.init)
        if let id, !id.isWellFormed {
            reader.problem("must be 1 to 40 lower-case letters, digits and hyphens", at: "id")
        }
        let name = reader.member("name")?.string()
        let pagerDuty = reader.member("pagerDuty").map {
            PagerDutyAccount(reading: $0, secrets: secrets)
        }
        let salesforce = reader.member("salesforce").map {
            SalesforceOrganization(reading: $0, secrets: secrets)
        }
        let mappings = reader.elements("mappings").map(ObjectMapping.init(reading:))
        reader.refuseOthers()
        guard let id else { return nil }
        self.init(
            id: id, name: name ?? id.rawValue, pagerDuty: pagerDuty ?? nil,
            salesforce: salesforce ?? nil, mappings: mappings.compactMap { $0 })
    }
}

extension PagerDutyAccount {
    init?(reading reader: JSONReader, secrets: SecretResolver) {
        let apiURL = Self.apiURL(reader)
        let token = reader.required("token").flatMap(secrets)
        let tokenKind = reader.choice("tokenKind", TokenKind.self) ?? .apiKey
        let from = reader.required("from")?.string()
        let webhooks = reader.elements("webhooks").map { entry -> WebhookSubscription? in
            let subscription = entry.member("subscription")?.string()
            let secret = entry.required("secret").flatMap(secrets)
            entry.refuseOthers()
            return secret.map { WebhookSubscription(subscription: subscription, secret: $0) }
        }
        let legacy = reader.member("legacyWebhook").flatMap { entry -> LegacyWebhook? in
            let header = entry.required("header")?.string()
            let token = entry.required("token").flatMap(secrets)
            entry.refuseOthers()
            guard let header, let token else { return nil }
            return LegacyWebhook(header: header, token: token)
        }
        reader.refuseOthers()
        guard let token, let from else { return nil }
        self.init(
            apiURL: apiURL, token: token, tokenKind: tokenKind, from: from,
            webhooks: webhooks.compactMap { $0 }, legacyWebhook: legacy)
    }

    private static func apiURL(_ reader: JSONReader) -> String {
        let region = reader.member("region")?.string() ?? "us"
        guard let url = apiURLs[region] else {
            reader.problem("must be us or eu", at: "region")
            return ""
        }
        return reader.url("apiURL") ?? url
    }
}

extension SalesforceOrganization {
    init?(reading reader: JSONReader, secrets: SecretResolver) {
        let loginURL = reader.url("loginURL") ?? "https://login.salesforce.com"
        let audience = reader.member("audience")?.string() ?? Self.audience(for: loginURL)
        let clientID = reader.required("clientId")?.string()
        let username = reader.required("username")?.string()
        let privateKey = reader.required("privateKey").flatMap(secrets)
        let apiVersion = reader.member("apiVersion")?.string() ?? "62.0"
        let organization = reader.member("organizationId")?.string()
        if let organization, RecordID(organization) == nil {
            reader.problem("must be 15 or 18 letters and digits", at: "organizationId")
        }
        let webhookSecret = reader.member("webhookSecret").flatMap(secrets)
        let webhookToken = reader.member("webhookToken").flatMap(secrets)
        let outboundToken = reader.member("outboundToken").flatMap(secrets)
        if outboundToken != nil, organization == nil {
            reader.problem("is needed for outbound messages", at: "organizationId")
        }
        reader.refuseOthers()
        guard let clientID, let username, let privateKey else { return nil }
        self.init(
            loginURL: loginURL, audience: audience, clientID: clientID, username: username,
            privateKey: privateKey, apiVersion: apiVersion,
            organizationID: organization.flatMap { RecordID($0) }, webhookSecret: webhookSecret,
            webhookToken: webhookToken, outboundToken: outboundToken)
    }

    /// Sandboxes carry `--` or `.sandbox.` in their domain (Salesforce.md 4).
    private static func audience(for loginURL: String) -> String {
        let isSandbox =
            loginURL.contains("//test.") || loginURL.contains(".sandbox.")
            || loginURL.contains("--")
        return isSandbox ? "https://test.salesforce.com" : "https://login.salesforce.com"
    }
}

extension ObjectMapping {
    init?(reading reader: JSONReader) {
        let object = reader.required("object")?.string()
        let syncNotes = reader.member("syncNotes")?.bool() ?? false
        let syncComments = reader.member("syncComments")?.bool() ?? false
        let commentsPublic = reader.member("commentsPublic")?.bool() ?? false
        reader.refuseOthers()
        guard let object else { return nil }
        self.init(
            object: object, syncNotes: syncNotes, syncComments: syncComments,
            commentsPublic: commentsPublic)
    }
}

extension JSONReader {
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, _ type: Choice.Type
    ) -> Choice? where Choice.RawValue == String {
        guard let text = member(key)?.string() else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        problem("must be one of \(known)", at: key)
        return nil
    }

    /// In lower case, without the slash at the end.
    func url(_ key: String) -> String? {
        guard let text = member(key)?.string()?.lowercased() else { return nil }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }
}
