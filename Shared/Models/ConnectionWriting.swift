import JSON

extension Connection {
    /// The connection as JSON in which each secret is a name (`{"secret": "pagerDuty.token"}`), and
    /// the secrets by these names. The database keeps the two apart.
    public var separated: (json: JSON, secrets: [String: SecretText]) {
        var vault = Vault()
        var object: JSONObject = ["id": .string(id.rawValue), "name": .string(name)]
        object["pagerDuty"] = pagerDuty?.json(&vault)
        object["salesforce"] = salesforce?.json(&vault)
        object["mappings"] = .array(mappings.map(\.json))
        return (.object(object), vault.secrets)
    }

    /// Looks up the secrets by their names, the reverse of `stored`.
    public static func resolver(of secrets: [String: SecretText]) -> SecretResolver {
        { reader in
            guard let name = reader.required("secret")?.string() else { return nil }
            guard let secret = secrets[name] else {
                reader.problem("no secret of the name \(name) is stored")
                return nil
            }
            return secret
        }
    }
}

private struct Vault {
    var secrets: [String: SecretText] = [:]

    mutating func keep(_ secret: SecretText?, as name: String) -> JSON? {
        guard let secret else { return nil }
        secrets[name] = secret
        return ["secret": .string(name)]
    }
}

extension PagerDutyAccount {
    fileprivate func json(_ vault: inout Vault) -> JSON {
        var object: JSONObject = [
            "apiURL": .string(apiURL), "tokenKind": .string(tokenKind.rawValue),
            "from": .string(from),
        ]
        object["token"] = vault.keep(token, as: "pagerDuty.token")
        var entries: [JSON] = []
        for (position, webhook) in webhooks.enumerated() {
            var entry = JSONObject()
            entry["subscription"] = webhook.subscription.map(JSON.string)
            entry["secret"] = vault.keep(webhook.secret, as: "pagerDuty.webhooks.\(position)")
            entries.append(.object(entry))
        }
        object["webhooks"] = .array(entries)
        if let legacyWebhook {
            var entry: JSONObject = ["header": .string(legacyWebhook.header)]
            entry["token"] = vault.keep(legacyWebhook.token, as: "pagerDuty.legacyWebhook")
            object["legacyWebhook"] = .object(entry)
        }
        return .object(object)
    }
}

extension SalesforceOrganization {
    fileprivate func json(_ vault: inout Vault) -> JSON {
        var object: JSONObject = [
            "loginURL": .string(loginURL), "audience": .string(audience),
            "clientId": .string(clientID), "username": .string(username),
            "apiVersion": .string(apiVersion),
        ]
        object["organizationId"] = organizationID.map { .string($0.long) }
        object["privateKey"] = vault.keep(privateKey, as: "salesforce.privateKey")
        object["webhookSecret"] = vault.keep(webhookSecret, as: "salesforce.webhookSecret")
        object["webhookToken"] = vault.keep(webhookToken, as: "salesforce.webhookToken")
        object["outboundToken"] = vault.keep(outboundToken, as: "salesforce.outboundToken")
        return .object(object)
    }
}

extension ObjectMapping {
    fileprivate var json: JSON {
        [
            "object": .string(object), "syncNotes": .bool(syncNotes),
            "syncComments": .bool(syncComments), "commentsPublic": .bool(commentsPublic),
        ]
    }
}
