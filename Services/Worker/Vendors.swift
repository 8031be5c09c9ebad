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

    fileprivate func gate(_ side: Vendors.Side, of connection: Connection) -> VendorLimiter {
        let callsPerMinuteMax =
            switch side {
            case .pagerduty: limits.pagerDutyCallsPerMinuteMax
            case .salesforce: limits.salesforceCallsPerMinuteMax
            }
        return VendorLimiter(
            side, of: connection, limits: CallSchedulerLimits(callsPerMinuteMax: callsPerMinuteMax),
            store: store, meter: meter, seconds: clocks.seconds, log: log)
    }
}

/// The two vendors of one connection, ready to be called, each behind its gate. A side that is not
/// configured or whose key cannot be read answers every call with the reason.
struct Vendors: Sendable {
    enum Side: String, NamedMetricLabel {
        static let labelName = "vendor"
        case pagerduty, salesforce
    }

    private var pagerDutyOrReason: Result<PagerDuty, Failure>
    private var salesforceOrReason: Result<Salesforce, Failure>
    private let pagerDutyGate: VendorLimiter
    private let salesforceGate: VendorLimiter
    private let writer: RecordWriter?
    let unreadable: UnreadableFields
    private let ownUser = OwnUser()
    private var announced: AnnouncedWrite?

    init(_ connection: Connection, _ access: VendorAccess) {
        unreadable = UnreadableFields(seconds: access.clocks.seconds)
        pagerDutyGate = access.gate(.pagerduty, of: connection)
        salesforceGate = access.gate(.salesforce, of: connection)
        pagerDutyOrReason = Self.pagerDuty(connection, access, pagerDutyGate.asCallGate())
        salesforceOrReason = Self.salesforce(connection, access, salesforceGate.asCallGate())
        let gate = salesforceGate
        writer = (try? salesforceOrReason.get()).map { RecordWriter($0, behind: gate) }
    }

    func pagerDuty() throws(Failure) -> PagerDuty { try pagerDutyOrReason.get() }
    func salesforce() throws(Failure) -> Salesforce { try salesforceOrReason.get() }

    /// The limiters of the sides that can be called at all.
    var limiters: [VendorLimiter] {
        var limiters: [VendorLimiter] = []
        if case .success = pagerDutyOrReason { limiters.append(pagerDutyGate) }
        if case .success = salesforceOrReason { limiters.append(salesforceGate) }
        return limiters
    }

    /// For how long neither vendor can be called; nil when one can.
    var closedSeconds: Double? {
        let closed = limiters.map { $0.closed?.seconds }
        guard !closed.contains(nil) else { return nil }
        return closed.compactMap { $0 }.min()
    }
}

extension Vendors {
    /// Waits until the first call of the command may be made, before anything of it is recorded:
    /// what was not begun need not be looked for on the next attempt. What it returns is for this
    /// one command.
    ///
    /// - Parameter mayContinue: whether the lane is still this worker's; asked before each call.
    func admitted(
        for command: Command, while mayContinue: @escaping @Sendable () -> Bool
    ) async throws(Failure) -> Vendors {
        var admitted = self
        switch command {
        case .createIncident, .updateIncident, .startWorkflow, .runResponsePlay, .addNote:
            guard case .success(let pagerDuty) = pagerDutyOrReason else { return self }
            admitted.pagerDutyOrReason = .success(
                try await pagerDuty.admitted(
                    by: pagerDutyGate.asCallGate(command.urgency),
                    then: pagerDutyGate.asCallGate(.begun, while: mayContinue)))
        case .updateRecord:
            try salesforceGate.requireOpen()
            admitted.announced = writer?.announce(while: mayContinue)
        case .createRecord, .addComment, .deliver:
            try salesforceGate.requireOpen()
            admitted.salesforceOrReason = salesforceOrReason.map {
                $0.behind(salesforceGate.asCallGate(while: mayContinue))
            }
        }
        return admitted
    }

    /// Whether somebody else did what the event of an incident tells. A person may share our user:
    /// then the journal alone can say.
    func isByAnother(_ agent: Reference) async throws(Failure) -> Bool {
        guard let own = try await ownUser.id(from: pagerDuty()) else { return false }
        return agent.id != own
    }

    /// Together with the writes of other lanes.
    func write(
        _ record: RecordReference, _ fields: JSONObject, _ options: RecordWriteOptions
    ) async throws(Failure) {
        let salesforce = try salesforce()
        guard let announced else {
            try await salesforce.update(record, fields: fields, options: options)
            return
        }
        try await announced.write(
            Salesforce.RecordUpdate(record: record, fields: fields), options)
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
