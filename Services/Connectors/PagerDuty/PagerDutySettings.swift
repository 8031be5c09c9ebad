/// One PagerDuty account and our credential in it.
public struct PagerDutySettings: Sendable {
    public enum Credential: Sendable {
        /// The key of the account or of a user; 20 characters.
        case apiKey(String)
        case oauth(accessToken: String)

        var authorization: String {
            switch self {
            case .apiKey(let key): "Token token=\(key)"
            case .oauth(let token): "Bearer \(token)"
            }
        }
    }

    public var origin: ServerOrigin
    public var credential: Credential
    /// The e-mail address of the PagerDuty user in whose name we act. Writes with an account's key
    /// need it (PagerDuty.md 41); that user becomes the acknowledger (PagerDuty.md 50).
    public var from: String?
    /// The longest that one call may take.
    public var timeout = Duration.seconds(30)

    public init(origin: ServerOrigin, credential: Credential, from: String?) {
        self.origin = origin
        self.credential = credential
        self.from = from
    }
}

extension PagerDutySettings.Credential: CustomStringConvertible, CustomReflectable {
    /// The kind of the credential, never the secret.
    public var description: String {
        switch self {
        case .apiKey: "apiKey"
        case .oauth: "oauth"
        }
    }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
