import Crypto

/// One Salesforce organisation and the integration user that we are in it.
public struct SalesforceSettings: Sendable {
    /// `login.salesforce.com`, `test.salesforce.com` or the organisation's My Domain.
    public var login: ServerOrigin
    /// The `aud` of our assertions. It stays login or test even when `login` is a My Domain.
    public var audience: String
    public var consumerKey: String
    /// A Salesforce user name, which is neither the e-mail address nor the id.
    public var username: String
    public var privateKey: RSAPrivateKey
    /// `62.0`, say.
    public var apiVersion: String
    /// Names us in Salesforce's logs and in the `changeOrigin` of change events.
    public var clientName = "liaison"
    /// Of one call; far from the 20 s from which Salesforce counts calls as long-running, for all
    /// but a few, and from its own limit of 10 minutes.
    public var timeoutSeconds: Double = 60

    public init(
        login: ServerOrigin, audience: String, consumerKey: String, username: String,
        privateKey: RSAPrivateKey, apiVersion: String = "62.0"
    ) {
        self.login = login
        self.audience = audience
        self.consumerKey = consumerKey
        self.username = username
        self.privateKey = privateKey
        self.apiVersion = apiVersion
    }
}
