import Automation
import Connectors
import Crypto
import HTTP
import JSON
import Models
import Runtime
import Store

/// What the vendors of all connections share within this process.
struct VendorAccess: Sendable {
    let client: HTTPClient
    let store: Store
    let limits: WorkerLimits
    let meter: CallMeter
    let clocks: Clocks
    let log: Log

    func limiter(_ side: Vendors.Side, of connection: Connection) -> VendorLimiter {
        let callsPerMinuteMax =
            switch side {
            case .pagerduty: limits.pagerDutyCallsPerMinuteMax
            case .salesforce: limits.salesforceCallsPerMinuteMax
            }
        var scheduler = CallSchedulerLimits(callsPerMinuteMax: callsPerMinuteMax)
        scheduler.patienceSeconds = limits.callWaitSecondsMax
        return VendorLimiter(
            side, of: connection, limits: scheduler,
            store: store, meter: meter, seconds: clocks.seconds, log: log)
    }
}

/// The clients of one connection's two vendors. A client that is not configured, or whose key cannot
/// be read, answers every call with the reason.
struct VendorClients: Sendable {
    var pagerDutyOrReason: Result<PagerDuty, Failure>
    var salesforceOrReason: Result<Salesforce, Failure>

    func pagerDuty() throws(Failure) -> PagerDuty { try pagerDutyOrReason.get() }
    func salesforce() throws(Failure) -> Salesforce { try salesforceOrReason.get() }
}

/// The two vendors of one connection, each behind its limiter. Reads are made through it directly;
/// a command is made within `admitted`.
struct Vendors: Sendable {
    enum Side: String, NamedMetricLabel {
        static let labelName = "vendor"
        case pagerduty, salesforce
    }

    let clients: VendorClients
    let pagerDutyLimiter: VendorLimiter
    let salesforceLimiter: VendorLimiter
    let writer: RecordWriter?
    let unreadable: UnreadableFields
    private let ownUser = OwnUser()

    init(_ connection: Connection, _ access: VendorAccess) {
        unreadable = UnreadableFields(seconds: access.clocks.seconds)
        pagerDutyLimiter = access.limiter(.pagerduty, of: connection)
        salesforceLimiter = access.limiter(.salesforce, of: connection)
        clients = VendorClients(
            pagerDutyOrReason: Self.pagerDuty(connection, access, pagerDutyLimiter.asCallGate()),
            salesforceOrReason: Self.salesforce(
                connection, access, salesforceLimiter.asCallGate()))
        let limiter = salesforceLimiter
        writer = (try? clients.salesforceOrReason.get()).map { RecordWriter($0, behind: limiter) }
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
    var closedSeconds: Double? {
        let closed = limiters.map { $0.closed?.seconds }
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
        _ connection: Connection, _ access: VendorAccess, _ gate: CallGate
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
        return .success(PagerDuty(settings: settings, client: access.client, gate: gate))
    }

    private static func salesforce(
        _ connection: Connection, _ access: VendorAccess, _ gate: CallGate
    ) -> Result<Salesforce, Failure> {
        guard let organization = connection.salesforce else {
            return .failure(
                misconfigured("connection \(connection.id) has no Salesforce organisation"))
        }
        guard let login = ServerOrigin(organization.loginURL) else {
            return .failure(
                misconfigured("\(organization.loginURL) is not the address of a server"))
        }
        do throws(KeyError) {
            let key = try RSAPrivateKey(pem: organization.privateKey.revealed)
            let settings = SalesforceSettings(
                login: login, audience: organization.audience,
                consumerKey: organization.clientID, username: organization.username,
                privateKey: key, apiVersion: organization.apiVersion)
            return .success(
                Salesforce(
                    settings: settings, client: access.client, now: access.clocks.now, gate: gate))
        } catch {
            return .failure(
                misconfigured("the private key of \(connection.id) is unusable: \(error)"))
        }
    }

    private static func misconfigured(_ message: String) -> Failure {
        .permanent(Cause(.liaison, code: "configuration", message: message))
    }
}
