import Connectors
import Crypto
import HTTP
import Models

/// The two vendors of one connection, ready to be called. A side that is not configured or whose
/// key cannot be read answers every call with the reason.
struct Vendors: Sendable {
    private let pagerDutyOrReason: Result<PagerDuty, Failure>
    private let salesforceOrReason: Result<Salesforce, Failure>

    init(_ connection: Connection, client: HTTPClient, now: @escaping @Sendable () -> Timestamp) {
        pagerDutyOrReason = Self.pagerDuty(connection, client)
        salesforceOrReason = Self.salesforce(connection, client, now)
    }

    func pagerDuty() throws(Failure) -> PagerDuty { try pagerDutyOrReason.get() }
    func salesforce() throws(Failure) -> Salesforce { try salesforceOrReason.get() }

    private static func pagerDuty(
        _ connection: Connection, _ client: HTTPClient
    ) -> Result<PagerDuty, Failure> {
        guard let account = connection.pagerDuty else {
            return .failure(misconfigured("connection \(connection.id) has no PagerDuty account"))
        }
        guard let origin = ServerOrigin(account.apiURL) else {
            return .failure(misconfigured("\(account.apiURL) is not the address of a server"))
        }
        let token = account.token.revealed
        let credential: PagerDutySettings.Credential =
            switch account.tokenKind {
            case .apiKey: .apiKey(token)
            case .oauth: .oauth(accessToken: token)
            }
        let settings = PagerDutySettings(
            origin: origin, credential: credential, from: account.from)
        return .success(PagerDuty(settings: settings, client: client))
    }

    private static func salesforce(
        _ connection: Connection, _ client: HTTPClient, _ now: @escaping @Sendable () -> Timestamp
    ) -> Result<Salesforce, Failure> {
        guard let organization = connection.salesforce else {
            return .failure(
                misconfigured("connection \(connection.id) has no Salesforce organisation"))
        }
        guard let login = ServerOrigin(organization.loginURL) else {
            return .failure(misconfigured("\(organization.loginURL) is not the address of a server"))
        }
        do throws(KeyError) {
            let key = try RSAPrivateKey(pem: organization.privateKey.revealed)
            let settings = SalesforceSettings(
                login: login, audience: organization.audience,
                consumerKey: organization.clientID, username: organization.username,
                privateKey: key, apiVersion: organization.apiVersion)
            return .success(Salesforce(settings: settings, client: client, now: now))
        } catch {
            return .failure(
                misconfigured("the private key of \(connection.id) is unusable: \(error)"))
        }
    }

    private static func misconfigured(_ message: String) -> Failure {
        .permanent(Cause(.liaison, code: "configuration", message: message))
    }
}
