import Crypto
import HTTP
import JSON
import Models
import Postgres
import Runtime
import Sandbox
import Store
import TestSupport
import XCTest

@testable import Ingest
@testable import Worker

/// The whole system in this process, for one test: a database of its own, the stand-ins of both
/// vendors, an ingest that they deliver to, and the workers that the test starts.
///
/// A test delivers events or appends them, acts as the vendors' users do, waits until the system
/// is quiet, and looks at what the vendors and the log hold.
struct Rig: Sendable {
    struct Options: Sendable {
        var rules: [JSON] = []
        var mappings: [ObjectMapping] = []
        /// True if what a worker postpones is due at once. Otherwise it waits until `pass`.
        var skipsWaits = true
        /// False for tests that append all their events: then the vendors send no webhooks.
        var hasIngest = true
        /// Postgres of the test alone, which it may restart.
        var cluster: PrivateCluster?
        var sandbox = SandboxOptions()
        /// The limits of every worker in this process.
        var limits = WorkerLimits()

        init(
            rules: [JSON] = [], mappings: [ObjectMapping] = [], skipsWaits: Bool = true
        ) {
            self.rules = rules
            self.mappings = mappings
            self.skipsWaits = skipsWaits
            limits.pollInterval = .milliseconds(50)
            sandbox.salesforce.publicKeyPEM = Rig.key?.publicPEM
            sandbox.pagerDuty.callsPerMinuteMax = 1_000_000
            sandbox.retryPauseFirst = .milliseconds(10)
        }

        /// No ingest, PagerDuty's real limit of calls, and waits that last until `pass`.
        static var workersOnly: Options {
            var options = Options(skipsWaits: false)
            options.hasIngest = false
            options.sandbox.pagerDuty.callsPerMinuteMax =
                SandboxOptions().pagerDuty
                .callsPerMinuteMax
            // One incident gets the changes that many would get.
            options.limits.changesPerTargetMax = 1_000_000
            return options
        }
    }

    static let connection: ConnectionID = "acme"
    static let key = try? RSAPrivateKey.generate(bits: 2048)
    static let masterKey = [UInt8](repeating: 11, count: 32)
    static let webhookSecret = "a webhook secret of a test"
    static let apexSecret = "an apex secret of a test"
    static let legacyToken = "legacy-token-of-a-test"
    static let outboundToken = "outbound-token-of-a-test"
    /// The longest a test waits for what must come, on a machine under any load.
    static let waitSecondsMax = 120.0

    let options: Options
    let sandbox: Sandbox
    let database: TestDatabase
    let pool: Pool
    let store: Store
    let client: HTTPClient
    /// Moves the time of this process's workers.
    let clock = MovableClock()
    let organization: String
    /// The address of the ingest in this process; empty without one.
    let ingestURL: String

    /// Starts everything but a worker for as long as `body` takes.
    static func running(
        for testCase: XCTestCase, _ options: Options, _ body: (Rig) async throws -> Void
    ) async throws {
        let database = try await database(for: testCase, options)
        let pool = database.pool()
        defer { pool.close() }
        if options.skipsWaits { try await pool.skipWaits() }
        try await pool.announceChanges()
        try await Sandbox.running(options.sandbox) { sandbox in
            let ingest = options.hasIngest ? try Ingest.forTests(on: database) : nil
            let rig = try await Rig(options, sandbox, database, pool, ingest)
            try await rig.configure(options.rules, options.mappings)
            guard let ingest else { return try await body(rig) }
            try await whileRunning(ingest.run(until:)) {
                try await rig.untilReady(ingest.operationsPort)
                await rig.registerWebhooks()
                try await body(rig)
            }
        }
    }

    /// Starts everything and one worker for as long as `body` takes.
    static func working(
        for testCase: XCTestCase, _ options: Options,
        limits: @escaping @Sendable (inout WorkerLimits) -> Void = { _ in },
        _ body: (Rig) async throws -> Void
    ) async throws {
        try await running(for: testCase, options) { rig in
            try await rig.withWorker(limits: limits) { try await body(rig) }
        }
    }

    private static func database(
        for testCase: XCTestCase, _ options: Options
    ) async throws -> TestDatabase {
        guard let cluster = options.cluster else {
            return try await TestDatabase.make(for: testCase, migrations: Store.migrations)
        }
        let database = try TestDatabase(existing: cluster.url)
        _ = try await Store.migrate(database.address)
        return database
    }

    private init(
        _ options: Options, _ sandbox: Sandbox, _ database: TestDatabase, _ pool: Pool,
        _ ingest: Ingest?
    ) async throws {
        self.options = options
        self.sandbox = sandbox
        self.database = database
        self.pool = pool
        store = Store(pool, secretKeys: try SecretKeys(Self.masterKey))
        client = try HTTPClient()
        organization =
            await sandbox.control("GET", "/_sandbox").body["salesforce"]?["organizationId"]?
            .string ?? ""
        ingestURL = ingest.map { "http://127.0.0.1:\($0.publicPort)" } ?? ""
    }

    private func registerWebhooks() async {
        await tell(
            "/_sandbox/pagerduty/subscriptions",
            [
                "url": .string("\(ingestURL)/pagerduty/acme"),
                "secret": .string(Self.webhookSecret),
            ])
        await tell(
            "/_sandbox/salesforce/apex",
            [
                "url": .string("\(ingestURL)/salesforce/acme"),
                "secret": .string(Self.apexSecret),
            ])
    }

    private func untilReady(_ port: Int) async throws {
        let request = HTTPClientRequest(method: "GET", url: "http://127.0.0.1:\(port)/readyz")
        while try await client.send(request).status != 200 {}
    }
}

/// The configuration.
extension Rig {
    enum Sides { case both, pagerDuty, salesforce }

    /// Puts these rules in force for the connection.
    func configure(_ rules: [JSON], _ mappings: [ObjectMapping] = []) async throws {
        try await apply(entry(rules: rules, mappings: mappings))
    }

    /// Connections that are left out are disabled.
    func apply(_ entries: Configuration.ConnectionEntry...) async throws {
        _ = try await store.apply(Configuration(entries: entries), by: "test")
    }

    /// A connection to the stand-ins, and its rules.
    func entry(
        _ id: ConnectionID = connection, _ sides: Sides = .both, rules: [JSON],
        mappings: [ObjectMapping] = []
    ) throws -> Configuration.ConnectionEntry {
        let problems = JSONProblems()
        let document: JSON = [["name": "Rules", "rules": .array(rules)]]
        let rulesets = Ruleset.list(reading: JSONReader(document, problems: problems))
        XCTAssertEqual(problems.all.map { "\($0)" }, [])
        var connection = Models.Connection(id: id, name: id.rawValue)
        if sides != .salesforce { connection.pagerDuty = account }
        if sides != .pagerDuty { connection.salesforce = try salesforceOrganization() }
        connection.mappings = mappings
        return Configuration.ConnectionEntry(
            connection: connection, rulesets: try XCTUnwrap(rulesets))
    }

    private var account: PagerDutyAccount {
        var account = PagerDutyAccount(
            apiURL: sandbox.pagerDutyURL, token: SecretText(SandboxOptions().pagerDuty.apiKey),
            from: "liaison@example.com")
        guard options.hasIngest else { return account }
        account.webhooks = [
            WebhookSubscription(subscription: nil, secret: SecretText(Self.webhookSecret))
        ]
        account.legacyWebhook = LegacyWebhook(
            header: "X-Team-Token", token: SecretText(Self.legacyToken))
        return account
    }

    private func salesforceOrganization() throws -> SalesforceOrganization {
        var organization = SalesforceOrganization(
            loginURL: sandbox.salesforceURL, audience: "https://login.salesforce.com",
            clientID: SandboxOptions().salesforce.consumerKey,
            username: SandboxOptions().salesforce.username,
            privateKey: SecretText(try XCTUnwrap(Self.key).pem))
        guard options.hasIngest else { return organization }
        organization.organizationID = RecordID(self.organization)
        organization.webhookSecret = SecretText(Self.apexSecret)
        organization.outboundToken = SecretText(Self.outboundToken)
        return organization
    }
}

extension Ingest {
    fileprivate static func forTests(on database: TestDatabase) throws -> Ingest {
        let local = IngestConfiguration.ListenAddress(host: "127.0.0.1", port: 0)
        var configuration = IngestConfiguration(
            publicAddress: local, operationsAddress: local,
            database: database.address, secretKeys: try SecretKeys(Rig.masterKey))
        configuration.refreshInterval = .milliseconds(50)
        return try Ingest(
            configuration, store: .postgres(configuration),
            log: Log("ingest", level: .error))
    }
}
