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

/// The whole path in this process: the stand-ins of both vendors, an ingest whose door they know, a
/// database of its own, and workers when a test asks for one. Time is taken out of it: what a
/// worker puts off is due at once, and `postponed` tells for how long it would have waited.
struct Bridge: Sendable {
    struct Options: Sendable {
        var rules: [JSON] = []
        var mappings: [ObjectMapping] = []
        /// Whether what is put off is due at once.
        var hurries = true
        var sandbox = SandboxOptions()

        init(
            rules: [JSON] = [], mappings: [ObjectMapping] = [], hurries: Bool = true
        ) {
            self.rules = rules
            self.mappings = mappings
            self.hurries = hurries
            sandbox.salesforce.publicKeyPEM = Bridge.key?.publicPEM
            sandbox.pagerDuty.callsPerMinuteMax = 1_000_000
            sandbox.retryFirstSeconds = 0.01
        }
    }

    static let connection: ConnectionID = "acme"
    static let key = try? RSAPrivateKey.generate(bits: 2048)
    static let masterKey = [UInt8](repeating: 11, count: 32)
    static let webhookSecret = "a webhook secret of a test"
    static let apexSecret = "an apex secret of a test"
    static let legacyToken = "legacy-token-of-a-test"
    static let outboundToken = "outbound-token-of-a-test"
    /// For what must come, however loaded the machine is.
    static let patienceSeconds = 60.0

    let sandbox: Sandbox
    let database: TestDatabase
    let pool: Pool
    let store: Store
    let client: HTTPClient
    let organization: String
    let ingestURL: String

    /// Brings everything up but a worker, lets `body` use it and takes it down.
    static func open(
        for testCase: XCTestCase, _ options: Options,
        _ body: (Bridge) async throws -> Void
    ) async throws {
        let database = try await TestDatabase.make(for: testCase, migrations: Store.migrations)
        let pool = database.pool()
        if options.hurries { try await pool.hurry() }
        try await pool.announceLanes()
        let store = Store(pool, secretKeys: try SecretKeys(masterKey))
        let ingest = try Ingest.forTests(on: database)
        try await Sandbox.running(options.sandbox) { sandbox in
            let bridge = Bridge(
                sandbox: sandbox, database: database, pool: pool, store: store,
                client: try HTTPClient(),
                organization: await sandbox.control("GET", "/_sandbox")
                    .body["salesforce"]?["organizationId"]?.string ?? "",
                ingestURL: "http://127.0.0.1:\(ingest.publicPort)")
            try await bridge.configure(options.rules, options.mappings)
            try await running(ingest.run(until:)) {
                try await bridge.awaitReadiness(of: ingest.operationsPort)
                await bridge.registerWebhooks()
                try await body(bridge)
            }
        }
        pool.close()
    }

    /// As `open`, with one worker at work all the time.
    static func atWork(
        for testCase: XCTestCase, _ options: Options,
        limits: @escaping @Sendable (inout WorkerLimits) -> Void = { _ in },
        _ body: (Bridge) async throws -> Void
    ) async throws {
        try await open(for: testCase, options) { bridge in
            try await bridge.withWorker(limits: limits) { try await body(bridge) }
        }
    }

    /// Puts these rules in force for the connection, or switches it off.
    func configure(
        _ rules: [JSON], _ mappings: [ObjectMapping] = [], isActive: Bool = true
    ) async throws {
        let problems = JSONProblems()
        let document: JSON = [["name": "Rules", "rules": .array(rules)]]
        let rulesets = Ruleset.list(reading: JSONReader(document, problems: problems))
        XCTAssertEqual(problems.all.map { "\($0)" }, [])
        let entry = Configuration.ConnectionEntry(
            connection: try connection(mappings), rulesets: try XCTUnwrap(rulesets))
        _ = try await store.apply(Configuration(entries: isActive ? [entry] : []), by: "test")
    }

    private func connection(_ mappings: [ObjectMapping]) throws -> Models.Connection {
        Models.Connection(
            id: Self.connection, name: "Acme",
            pagerDuty: PagerDutyAccount(
                apiURL: sandbox.pagerDutyURL, token: SecretText("u+SandboxAccountKey1"),
                from: "liaison@example.com",
                webhooks: [
                    WebhookSubscription(subscription: nil, secret: SecretText(Self.webhookSecret))
                ],
                legacyWebhook: LegacyWebhook(
                    header: "X-Team-Token", token: SecretText(Self.legacyToken))),
            salesforce: SalesforceOrganization(
                loginURL: sandbox.salesforceURL, audience: "https://login.salesforce.com",
                clientID: SandboxOptions().salesforce.consumerKey,
                username: SandboxOptions().salesforce.username,
                privateKey: SecretText(try XCTUnwrap(Self.key).pem),
                organizationID: RecordID(organization), webhookSecret: SecretText(Self.apexSecret),
                outboundToken: SecretText(Self.outboundToken)),
            mappings: mappings)
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

    private func awaitReadiness(of port: Int) async throws {
        let request = HTTPClientRequest(method: "GET", url: "http://127.0.0.1:\(port)/readyz")
        while try await client.send(request).status != 200 {}
    }
}

extension Bridge {
    /// A worker of its own for as long as `body` takes; then it is stopped, and what it does until
    /// it has ended is waited for.
    func withWorker<Value: Sendable>(
        _ name: String = "worker", limits adjust: (inout WorkerLimits) -> Void = { _ in },
        graceSeconds: Double = 25, statementSecondsMax: Double = 60,
        log: Log = Log("worker", level: .error),
        _ body: () async throws -> Value
    ) async throws -> Value {
        var limits = WorkerLimits()
        limits.pollInterval = .milliseconds(100)
        adjust(&limits)
        let configuration = WorkerConfiguration(
            name: name, database: database.address, secretKeys: try SecretKeys(Self.masterKey),
            operationsHost: "127.0.0.1", operationsPort: 0, logLevel: .error, limits: limits,
            refreshInterval: .milliseconds(50), stopGrace: .seconds(graceSeconds))
        let pool = database.pool(
            connectionsMax: limits.databaseConnectionsMax,
            statementSecondsMax: statementSecondsMax)
        defer { pool.close() }
        let worker = try Worker(
            configuration, store: Store(pool, secretKeys: configuration.secretKeys), log: log)
        return try await running(worker.run(until:)) {
            await worker.isRegistered.wait(atMost: .seconds(Self.patienceSeconds))
            return try await body()
        }
    }
}

/// Runs a service for as long as `body` takes and lets it stop by itself.
func running<Value: Sendable>(
    _ service: @escaping @Sendable (Latch) async throws -> Void,
    _ body: () async throws -> Value
) async throws -> Value {
    let stop = Latch()
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await service(stop) }
        let value = try await body()
        stop.open()
        try await group.waitForAll()
        return value
    }
}

extension LogSink {
    /// Opens at the first line that holds all these words.
    static func opening(_ latch: Latch, _ words: String...) -> LogSink {
        LogSink { line in
            let text = String(decoding: line, as: UTF8.self)
            if words.allSatisfy(text.contains) { latch.open() }
        }
    }
}

extension Ingest {
    fileprivate static func forTests(on database: TestDatabase) throws -> Ingest {
        let local = IngestConfiguration.Listener(host: "127.0.0.1", port: 0)
        var configuration = IngestConfiguration(
            publicListener: local, operationsListener: local,
            database: database.address, secretKeys: try SecretKeys(Bridge.masterKey))
        configuration.refreshInterval = .milliseconds(50)
        return try Ingest(
            configuration, store: .postgres(configuration),
            log: Log("ingest", level: .error))
    }
}

extension Pool {
    /// What is put off is due at once; for how long it was put off is kept.
    fileprivate func hurry() async throws {
        try await query(
            """
            CREATE TABLE postponed (
                place bigint GENERATED ALWAYS AS IDENTITY, key text, attempt int, seconds float8)
            """)
        try await query(
            """
            CREATE FUNCTION hurry() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO postponed (key, attempt, seconds)
                VALUES (NEW.key, NEW.attempt, extract(epoch FROM NEW.ready_at - now()));
                NEW.ready_at := now();
                RETURN NEW;
            END $$
            """)
        try await query(
            """
            CREATE TRIGGER hurry BEFORE UPDATE OF ready_at ON lane FOR EACH ROW
            WHEN (NEW.state = 1 AND OLD.state = 2 AND NEW.ready_at > now())
            EXECUTE FUNCTION hurry()
            """)
    }

    /// Tells whenever a lane changed, so that nobody has to ask every so often.
    fileprivate func announceLanes() async throws {
        try await query(
            """
            CREATE FUNCTION announce() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_notify('lanes', ''); RETURN NULL; END $$
            """)
        try await query(
            """
            CREATE TRIGGER announce AFTER INSERT OR UPDATE ON lane
            FOR EACH STATEMENT EXECUTE FUNCTION announce()
            """)
    }
}
