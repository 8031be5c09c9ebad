import Automation
import Connectors
import Crypto
import HTTP
import JSON
import Models
import Runtime
import Store

/// The parts of this process that the vendors of all connections share.
struct VendorAccess: Sendable {
    let client: HTTPClient
    let store: Store
    let limits: WorkerLimits
    let meter: CallMeter
    let clocks: Clocks
    let log: Log
    var jitter = Jitter.system

    func limiter(_ vendor: Vendor, of connection: Connection) -> VendorLimiter {
        let callsPerMinuteMax =
            switch vendor {
            case .pagerDuty: limits.pagerDutyCallsPerMinuteMax
            case .salesforce: limits.salesforceCallsPerMinuteMax
            }
        var scheduler = CallSchedulerLimits(
            callsPerMinuteMax: callsPerMinuteMax, minute: limits.callMinute)
        scheduler.waitMax = limits.callWaitMax
        return VendorLimiter(vendor, of: connection, limits: scheduler, self)
    }
}

/// The clients of one connection's two vendors. A client that is not configured, or whose key
/// cannot be read, answers every call with the reason.
struct VendorClients: Sendable {
    var pagerDutyOrReason: Result<PagerDuty, Failure>
    var salesforceOrReason: Result<Salesforce, Failure>

    func pagerDuty() throws(Failure) -> PagerDuty { try pagerDutyOrReason.get() }
    func salesforce() throws(Failure) -> Salesforce { try salesforceOrReason.get() }
}

/// The two vendors of one connection, each behind its limiter. Reads are made through it directly;
/// a command is made within `admitted`.
struct Vendors: Sendable {
    let clients: VendorClients
    let pagerDutyLimiter: VendorLimiter
    let salesforceLimiter: VendorLimiter
    let writer: RecordWriter?
    let unreadable: UnreadableFields
    private let ownUser = OwnUser()

    init(_ connection: Connection, _ access: VendorAccess) {
        unreadable = UnreadableFields(now: access.clocks.instant)
        pagerDutyLimiter = access.limiter(.pagerDuty, of: connection)
        salesforceLimiter = access.limiter(.salesforce, of: connection)
        clients = VendorClients(
            pagerDutyOrReason: Self.pagerDuty(connection, access, pagerDutyLimiter.admission()),
            salesforceOrReason: Self.salesforce(
                connection, access, salesforceLimiter.admission()))
        let limiter = salesforceLimiter
        writer = (try? clients.salesforceOrReason.get()).map {
            RecordWriter($0, limitedBy: limiter)
        }
    }

    func pagerDuty() throws(Failure) -> PagerDuty { try clients.pagerDuty() }
    func salesforce() throws(Failure) -> Salesforce { try clients.salesforce() }

    /// The limiters of the vendors that are configured.
    var limiters: [VendorLimiter] {
        var limiters: [VendorLimiter] = []
        if case .success = clients.pagerDutyOrReason { limiters.append(pagerDutyLimiter) }
        if case .success = clients.salesforceOrReason { limiters.append(salesforceLimiter) }
        return limiters
    }

    /// The time until a first vendor can be called again; nil when one can be called now.
    var closedFor: Duration? {
        let closed = limiters.map { $0.closed?.retryAfter }
        guard !closed.contains(nil) else { return nil }
        return closed.compactMap { $0 }.min()
    }

    /// True when another user than ours did what an incident's event tells. A person may share our
    /// user: then only the journal tells our changes from theirs.
    func isByAnother(_ agent: Reference) async throws(Failure) -> Bool {
        guard let own = try await ownUser.id(from: pagerDuty()) else { return false }
        return agent.id != own
    }
}

extension Vendors {
    private static func pagerDuty(
        _ connection: Connection, _ access: VendorAccess, _ admission: CallAdmission
    ) -> Result<PagerDuty, Failure> {
        guard let account = connection.pagerDuty else {
            return .failure(
                misconfigured(
                    "the connection has no PagerDuty account; add one to its configuration"))
        }
        guard let origin = ServerOrigin(account.apiURL) else {
            return .failure(
                misconfigured("apiURL is not the address of a server: \(account.apiURL)"))
        }
        let token = account.token.revealed
        let credential: PagerDutySettings.Credential =
            switch account.tokenKind {
            case .apiKey: .apiKey(token)
            case .oauth: .oauth(accessToken: token)
            }
        let settings = PagerDutySettings(
            origin: origin, credential: credential, from: account.from)
        return .success(PagerDuty(settings: settings, client: access.client, admission: admission))
    }

    private static func salesforce(
        _ connection: Connection, _ access: VendorAccess, _ admission: CallAdmission
    ) -> Result<Salesforce, Failure> {
        guard let organization = connection.salesforce else {
            return .failure(
                misconfigured(
                    "the connection has no Salesforce organisation; add one to its configuration"))
        }
        guard let login = ServerOrigin(organization.loginURL) else {
            return .failure(
                misconfigured("loginURL is not the address of a server: \(organization.loginURL)"))
        }
        do {
            let key = try RSAPrivateKey(pem: organization.privateKey.revealed)
            let settings = SalesforceSettings(
                login: login, audience: organization.audience,
                consumerKey: organization.clientID, username: organization.username,
                privateKey: key, apiVersion: organization.apiVersion)
            return .success(
                Salesforce(
                    settings: settings, client: access.client, now: access.clocks.now,
                    admission: admission))
        } catch {
            return .failure(
                misconfigured(
                    "the private key of the Salesforce organisation cannot be used: \(error)"))
        }
    }

    private static func misconfigured(_ message: String) -> Failure {
        .permanent(Cause(.liaison, code: "configuration", message: message))
    }
}

extension Vendor: NamedMetricLabel {
    public static let labelName = "vendor"
}
