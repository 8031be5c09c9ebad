/// A bridge between one PagerDuty account and one Salesforce organisation, with everything that is
/// needed to talk to both and to recognise what they send.
public struct Connection: Hashable, Sendable {
    public var id: ConnectionID
    public var name: String
    public var pagerDuty: PagerDutyAccount?
    public var salesforce: SalesforceOrganization?
    public var mappings: [ObjectMapping]

    public init(
        id: ConnectionID, name: String, pagerDuty: PagerDutyAccount? = nil,
        salesforce: SalesforceOrganization? = nil, mappings: [ObjectMapping] = []
    ) {
        self.id = id
        self.name = name
        self.pagerDuty = pagerDuty
        self.salesforce = salesforce
        self.mappings = mappings
    }
}

public struct PagerDutyAccount: Hashable, Sendable {
    public enum TokenKind: String, CaseIterable, Sendable {
        /// `Authorization: Token token=...` (PagerDuty.md 40)
        case apiKey
        /// `Authorization: Bearer ...`
        case oauth
    }

    /// The URL of the REST API, without a trailing slash.
    public var apiURL: String
    public var token: SecretText
    public var tokenKind: TokenKind
    /// The e-mail address of the PagerDuty user in whose name Liaison writes (PagerDuty.md 41).
    public var from: String
    public var webhooks: [WebhookSubscription]
    public var legacyWebhook: LegacyWebhook?

    public static let apiURLs = [
        "us": "https://api.pagerduty.com", "eu": "https://api.eu.pagerduty.com",
    ]

    public init(
        apiURL: String, token: SecretText, tokenKind: TokenKind = .apiKey, from: String,
        webhooks: [WebhookSubscription] = [], legacyWebhook: LegacyWebhook? = nil
    ) {
        self.apiURL = apiURL
        self.token = token
        self.tokenKind = tokenKind
        self.from = from
        self.webhooks = webhooks
        self.legacyWebhook = legacyWebhook
    }
}

/// A V3 webhook subscription. Several may be active at once, while a secret is being exchanged
/// (PagerDuty.md 38).
public struct WebhookSubscription: Hashable, Sendable {
    /// The id that PagerDuty sends as `X-Webhook-Subscription`.
    public var subscription: String?
    /// The secret, which PagerDuty tells once (PagerDuty.md 21).
    public var secret: SecretText

    public init(subscription: String?, secret: SecretText) {
        self.subscription = subscription
        self.secret = secret
    }
}

/// The proof of V2 webhooks, which have no signature: a token in a custom header, or as the
/// password of Basic authentication (PagerDuty.md 17).
public struct LegacyWebhook: Hashable, Sendable {
    public var header: String
    public var token: SecretText

    public init(header: String, token: SecretText) {
        self.header = header
        self.token = token
    }
}

public struct SalesforceOrganization: Hashable, Sendable {
    /// The URL of the login: login, test or the organisation's My Domain; no trailing slash.
    public var loginURL: String
    /// The `aud` of the assertion.
    public var audience: String
    /// The consumer key of the connected or external client app.
    public var clientID: String
    public var username: String
    /// The RSA key as PEM.
    public var privateKey: SecretText
    /// `62.0`
    public var apiVersion: String
    /// The organisation's id, with which that of an outbound message is compared.
    public var organizationID: RecordID?
    /// The key of the HMAC that the Apex package sends.
    public var webhookSecret: SecretText?
    /// The static token of the Apex package, where it cannot make an HMAC (Salesforce.md 45).
    public var webhookToken: SecretText?
    /// The last part of the URL that outbound messages are sent to. Nothing else in them is secret
    /// (Salesforce.md 52).
    public var outboundToken: SecretText?

    public init(
        loginURL: String, audience: String, clientID: String, username: String,
        privateKey: SecretText, apiVersion: String = "62.0", organizationID: RecordID? = nil,
        webhookSecret: SecretText? = nil, webhookToken: SecretText? = nil,
        outboundToken: SecretText? = nil
    ) {
        self.loginURL = loginURL
        self.audience = audience
        self.clientID = clientID
        self.username = username
        self.privateKey = privateKey
        self.apiVersion = apiVersion
        self.organizationID = organizationID
        self.webhookSecret = webhookSecret
        self.webhookToken = webhookToken
        self.outboundToken = outboundToken
    }
}

/// The settings of one Salesforce object beyond the rules.
public struct ObjectMapping: Hashable, Sendable {
    public var object: String
    /// A PagerDuty note becomes a comment on the linked records.
    public var syncNotes: Bool
    /// A comment on a linked record becomes a PagerDuty note.
    public var syncComments: Bool
    /// True if the copied comments show in the customer portal (Salesforce.md 38).
    public var commentsPublic: Bool

    public init(
        object: String, syncNotes: Bool = false, syncComments: Bool = false,
        commentsPublic: Bool = false
    ) {
        self.object = object
        self.syncNotes = syncNotes
        self.syncComments = syncComments
        self.commentsPublic = commentsPublic
    }
}
