import Crypto

/// One Salesforce organisation and the integration user that we are in it.
public struct SalesforceSettings: Sendable {
    /// `login.salesforce.com`, `test.salesforce.com` or the organisation's My Domain.
    public var login: ServerOrigin
    /// The `aud` of our assertions. It stays login or test even if `login` is a My Domain
    /// (Salesforce.md 3).
    public var audience: String
    public var consumerKey: String
    /// A Salesforce user name, which is neither the e-mail address nor the id.
    public var username: String
    public var privateKey: RSAPrivateKey
    /// `62.0`, say.
    public var apiVersion: String
    /// Names us in Salesforce's logs and in its change events (Salesforce.md 22).
    public var clientName = "liaison"
    /// The longest that one call may take. Nearly all calls end long before the 20 s from which
    /// Salesforce counts them as long-running, and all before its own limit (Salesforce.md 26).
    public var timeout = Duration.seconds(60)

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
