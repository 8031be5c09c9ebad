import HTTP
import JSON
import Models

/// A login that Salesforce accepted. It tells no expiry, so the session lasts until a call is
/// answered with 401 (Salesforce.md 6 and 7).
struct SalesforceSession: Sendable {
    let accessToken: String
    /// The server of every call; never the login host.
    let instance: ServerOrigin
    let identity: Salesforce.Identity

    /// Reads the token endpoint's answer. Refuses an `instance_url` outside Salesforce's domains,
    /// so that a forged answer cannot send our token elsewhere. The login's own origin is allowed,
    /// and so are other ports of this machine if the login was made to one of them (a sandbox).
    init(_ response: HTTPResponse, from login: ServerOrigin) throws(Failure) {
        guard let json = response.json,
            let token = json["access_token"]?.string, Self.isToken(token),
            let instance = json["instance_url"]?.string,
            let identity = Salesforce.Identity(url: json["id"]?.string)
        else {
            throw .retryable(
                Cause(
                    .salesforce, code: "unreadableAnswer",
                    message: "the answer to the login has no access_token, instance_url or id",
                    status: response.status))
        }
        guard let origin = ServerOrigin(instance), Self.isTrusted(origin, from: login) else {
            throw .refused(
                "instanceURL", "the login named a server outside Salesforce: \(instance)".asWords)
        }
        accessToken = token
        self.instance = origin
        self.identity = identity
    }

    static func isTrusted(_ instance: ServerOrigin, from login: ServerOrigin) -> Bool {
        if instance == login || instance.isLoopback && login.isLoopback { return true }
        return instance.isSecure && instance.port == nil
            && (instance.isWithin(domain: "salesforce.com")
                || instance.isWithin(domain: "force.com"))
    }

    /// True if the text may stand in a header line.
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}

extension SalesforceSession: CustomStringConvertible, CustomReflectable {
    /// The instance and the user, never the token.
    var description: String { "SalesforceSession(\(instance), \(identity.user))" }
    var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension Salesforce {
    /// The user and organisation of the login.
    public struct Identity: Hashable, Sendable {
        public let organization: RecordID
        /// The integration user: changes by it are ours.
        public let user: RecordID

        /// Reads `https://login.salesforce.com/id/<organisation>/<user>`.
        init?(url: String?) {
            guard let parts = url?.split(separator: "/"), parts.count >= 3,
                parts[parts.count - 3] == "id",
                let organization = RecordID(String(parts[parts.count - 2])),
                let user = RecordID(String(parts[parts.count - 1]))
            else { return nil }
            self.organization = organization
            self.user = user
        }
    }
}
