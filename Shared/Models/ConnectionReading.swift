import JSON

/// Finds the secret for the value in its place: a file or a variable in the administrator's file, a
/// name in the database. It notes a problem and returns nil if it cannot.
public typealias SecretResolver = (JSONReader) -> SecretText?

extension Connection {
    /// Notes every problem at its pointer; nil if something that is required is unusable. What
    /// a person wrote is also for `check`.
    public init?(reading reader: JSONReader, secrets: SecretResolver) {
        let keys = reader.keyed(by: ConnectionKey.self)
        let id = keys.required(.id)?.string().map(ConnectionID.init)
        if let id, !id.isWellFormed {
            keys.problem("must be 1 to 40 lower-case letters, digits and hyphens", at: .id)
        }
        let name = keys.member(.name)?.string()
        let pagerDuty = keys.member(.pagerDuty).map {
            PagerDutyAccount(reading: $0, secrets: secrets)
        }
        let salesforce = keys.member(.salesforce).map {
            SalesforceOrganization(reading: $0, secrets: secrets)
        }
        let mappings = keys.elements(.mappings).map(ObjectMapping.init(reading:))
        keys.refuseOthers()
        guard let id else { return nil }
        self.init(
            id: id, name: name ?? id.rawValue, pagerDuty: pagerDuty ?? nil,
            salesforce: salesforce ?? nil, mappings: mappings.compactMap { $0 })
    }
}

extension PagerDutyAccount {
    init?(reading reader: JSONReader, secrets: SecretResolver) {
        let keys = reader.keyed(by: PagerDutyKey.self)
        let apiURL = Self.apiURL(keys)
        let token = keys.required(.token).flatMap(secrets)
        let tokenKind = keys.choice(.tokenKind, TokenKind.self) ?? .apiKey
        let from = keys.required(.from)?.string()
        let webhooks = keys.elements(.webhooks).map { entry -> WebhookSubscription? in
            let entry = entry.keyed(by: WebhookKey.self)
            let subscription = entry.member(.subscription)?.string()
            let secret = entry.required(.secret).flatMap(secrets)
            entry.refuseOthers()
            return secret.map { WebhookSubscription(subscription: subscription, secret: $0) }
        }
        let legacy = keys.member(.legacyWebhook).flatMap { entry -> LegacyWebhook? in
            let entry = entry.keyed(by: LegacyWebhookKey.self)
            let header = entry.required(.header)?.string()
            let token = entry.required(.token).flatMap(secrets)
            entry.refuseOthers()
            guard let header, let token else { return nil }
            return LegacyWebhook(header: header, token: token)
        }
        keys.refuseOthers()
        guard let token, let from else { return nil }
        self.init(
            apiURL: apiURL, token: token, tokenKind: tokenKind, from: from,
            webhooks: webhooks.compactMap { $0 }, legacyWebhook: legacy)
    }

    private static func apiURL(_ keys: KeyedReader<PagerDutyKey>) -> String {
        let region = keys.member(.region)?.string() ?? "us"
        guard let url = apiURLs[region] else {
            keys.problem("must be us or eu", at: .region)
            return ""
        }
        return keys.url(.apiURL) ?? url
    }
}

extension SalesforceOrganization {
    init?(reading reader: JSONReader, secrets: SecretResolver) {
        let keys = reader.keyed(by: SalesforceKey.self)
        let loginURL = keys.url(.loginURL) ?? "https://login.salesforce.com"
        let audience = keys.member(.audience)?.string() ?? Self.audience(for: loginURL)
        let clientID = keys.required(.clientID)?.string()
        let username = keys.required(.username)?.string()
        let privateKey = keys.required(.privateKey).flatMap(secrets)
        let apiVersion = keys.member(.apiVersion)?.string() ?? "62.0"
        let organization = keys.member(.organizationID)?.string()
        if let organization, RecordID(organization) == nil {
            keys.problem("must be 15 or 18 letters and digits", at: .organizationID)
        }
        let webhookSecret = keys.member(.webhookSecret).flatMap(secrets)
        let webhookToken = keys.member(.webhookToken).flatMap(secrets)
        let outboundToken = keys.member(.outboundToken).flatMap(secrets)
        if outboundToken != nil, organization == nil {
            keys.problem("is needed for outbound messages", at: .organizationID)
        }
        keys.refuseOthers()
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
        let keys = reader.keyed(by: MappingKey.self)
        let object = keys.required(.object)?.string()
        let syncNotes = keys.member(.syncNotes)?.bool() ?? false
        let syncComments = keys.member(.syncComments)?.bool() ?? false
        let commentsPublic = keys.member(.commentsPublic)?.bool() ?? false
        keys.refuseOthers()
        guard let object else { return nil }
        self.init(
            object: object, syncNotes: syncNotes, syncComments: syncComments,
            commentsPublic: commentsPublic)
    }
}

extension KeyedReader {
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: Key, _ type: Choice.Type
    ) -> Choice? where Choice.RawValue == String {
        guard let text = member(key)?.string() else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        problem("must be one of \(known)", at: key)
        return nil
    }

    /// Reads a URL in lower case, without the slash at its end.
    func url(_ key: Key) -> String? {
        guard let text = member(key)?.string()?.lowercased() else { return nil }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }
}
