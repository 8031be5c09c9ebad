import Models
import Postgres
import Store
import XCTest

final class ConfigurationTests: XCTestCase {
    private func entry(
        _ id: String, token: String = "token", rulesets: [Ruleset] = []
    ) -> Configuration.ConnectionEntry {
        let account = PagerDutyAccount(
            apiURL: "https://api.pagerduty.com", token: SecretText(token),
            from: "a@example.com",
            webhooks: [WebhookSubscription(subscription: "PSUB1", secret: SecretText("w"))])
        let connection = Connection(id: ConnectionID(id), name: id, pagerDuty: account)
        return Configuration.ConnectionEntry(connection: connection, rulesets: rulesets)
    }

    private func store(
        _ fixture: StoreFixture, _ key: UInt8 = 7
    ) throws -> Store {
        Store(fixture.pool, secretKeys: try SecretKeys(Array(repeating: key, count: 32)))
    }

    func testWhatIsAppliedIsLoaded() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let store = try store(fixture)
        let before = try await store.configurationVersion()
        XCTAssertEqual(before, 0)
        let rulesets = ["second", "first"].map { Ruleset(name: $0, rules: []) }
        let configuration = Configuration(entries: [
            entry("one", rulesets: rulesets), entry("two", rulesets: []),
        ])
        let version = try await store.apply(configuration, by: "me")
        let current = try await store.configurationVersion()
        XCTAssertEqual(current, version)
        let loaded = try await store.loadConfiguration()
        XCTAssertEqual(loaded?.version, version)
        XCTAssertEqual(loaded?.configuration, configuration)
        let newer = try await store.loadConfiguration(newerThan: version)
        XCTAssertNil(newer)
        let connections = try await store.loadConnections()
        XCTAssertEqual(connections?.connections.map(\.id), ["one", "two"])
    }

    func testVersionsAreKeptAndOnlyChangesMakeNewOnes() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let store = try store(fixture)
        let same = Ruleset(name: "same", rules: [])
        let steps: [[Ruleset]] = [
            [same, Ruleset(name: "changing", rules: [])],
            [same, Ruleset(name: "changing", isEnabled: false, rules: [])],
            [same],
            [same, Ruleset(name: "changing", rules: [])],
        ]
        var versions: [ConfigurationVersion] = []
        for rulesets in steps {
            let configuration = Configuration(entries: [entry("one", rulesets: rulesets)])
            versions.append(try await store.apply(configuration, by: "me"))
        }
        for (version, rulesets) in zip(versions, steps) {
            let then = try await store.rulesets(of: "one", at: version)
            XCTAssertEqual(then, rulesets)
        }
        let count = try await fixture.number(
            "SELECT max(version)::bigint FROM ruleset_version WHERE name = 'same'")
        XCTAssertEqual(count, 1)
    }

    func testAConnectionThatIsLeftOutIsSwitchedOff() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let store = try store(fixture)
        _ = try await store.apply(Configuration(entries: [entry("one"), entry("two")]), by: "me")
        _ = try await store.apply(Configuration(entries: [entry("two")]), by: "me")
        let connections = try await store.loadConnections()
        XCTAssertEqual(connections?.connections.map(\.id), ["two"])
        _ = try await store.apply(Configuration(entries: [entry("one")]), by: "me")
        let back = try await store.loadConnections()
        XCTAssertEqual(back?.connections.map(\.id), ["one"])
    }

    func testApplyingOverAnUnreadVersionIsAConflict() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let store = try store(fixture)
        let read = try await store.apply(Configuration(entries: [entry("one")]), by: "me")
        _ = try await store.apply(Configuration(entries: []), by: "you", expecting: read)
        await assertThrows(.conflict) { () async throws(StoreError) in
            try await store.apply(Configuration(entries: []), by: "me", expecting: read)
        }
    }

    func testSecretsStandNowhereInTheOpen() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let store = try store(fixture)
        let configuration = Configuration(entries: [entry("one", token: "hunter2-token")])
        _ = try await store.apply(configuration, by: "me")
        for column in [
            "(SELECT string_agg(configuration, '') FROM connection)",
            "(SELECT string_agg(encode(sealed, 'escape'), '') FROM secret)",
        ] {
            let found = try await fixture.number(
                "SELECT position('hunter2' IN \(unescaped: column))::bigint")
            XCTAssertEqual(found, 0, column)
        }
    }

    func testAWrongKeyAndAMovedSecretDoNotOpen() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let store = try store(fixture)
        _ = try await store.apply(
            Configuration(entries: [entry("one"), entry("two")]), by: "me")
        let stranger = try self.store(fixture, 8)
        await assertFails { () async throws(StoreError) in
            try await stranger.loadConnections()
        } as: {
            if case .notFound(.secretKey) = $0 { true } else { false }
        }
        _ = try await fixture.pool.query(
            """
            UPDATE secret SET sealed = other.sealed FROM secret AS other
            WHERE secret.name = other.name AND secret.connection <> other.connection
            """)
        await assertFails { () async throws(StoreError) in
            try await store.loadConnections()
        } as: {
            if case .corrupt = $0 { true } else { false }
        }
    }

    func testWhatCannotBeReadOfOneConnectionKeepsNoOtherOut() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let store = try store(fixture)
        let ruleset = Ruleset(name: "rules", rules: [])
        _ = try await store.apply(
            Configuration(entries: [entry("one"), entry("two", rulesets: [ruleset])]), by: "me")
        func readable() async throws -> (configured: [ConnectionID]?, connected: [ConnectionID]?) {
            let configured = try await store.loadConfiguration()?.configuration.entries
            let connected = try await store.loadConnections()?.connections
            return (configured?.map(\.connection.id), connected?.map(\.id))
        }
        _ = try await fixture.pool.query("UPDATE ruleset_version SET document = '{}'")
        var (configured, connected) = try await readable()
        XCTAssertEqual([configured, connected], [["one"], ["one", "two"]])
        _ = try await fixture.pool.query(
            "UPDATE connection SET configuration = '{}' WHERE id = 'two'")
        (configured, connected) = try await readable()
        XCTAssertEqual([configured, connected], [["one"], ["one"]])
        let unreadable = try await store.loadConnections()?.unreadable
        XCTAssertEqual(unreadable?.keys.map(\.rawValue), ["two"])
    }

    private func assertFails<T>(
        line: UInt = #line, _ body: () async throws(StoreError) -> T,
        as isExpected: (StoreError) -> Bool
    ) async {
        do {
            _ = try await body()
            XCTFail("no error", line: line)
        } catch {
            XCTAssertTrue(isExpected(error), "\(error)", line: line)
        }
    }

    func testAnOldKeyStillOpensAndANewOneSeals() async throws {
        let fixture = try await StoreFixture.make(for: self)
        let old = [UInt8](repeating: 1, count: 32)
        let new = [UInt8](repeating: 2, count: 32)
        let first = Store(
            fixture.pool, secretKeys: try SecretKeys(current: "2025", keys: ["2025": old]))
        let configuration = Configuration(entries: [entry("one")])
        _ = try await first.apply(configuration, by: "me")
        let second = Store(
            fixture.pool,
            secretKeys: try SecretKeys(current: "2026", keys: ["2025": old, "2026": new]))
        let loaded = try await second.loadConfiguration()
        XCTAssertEqual(loaded?.configuration, configuration)
        _ = try await second.apply(configuration, by: "me")
        let keys = try await fixture.pool.query("SELECT DISTINCT key_id FROM secret")
            .decoded(String.self)
        XCTAssertEqual(keys, ["2026"])
    }

    /// Its secrets are deleted, so they need no key that is gone.
    func testAConnectionThatIsLeftOutLeavesNoSecret() async throws {
        let fixture = try await StoreFixture.make(for: self)
        _ = try await store(fixture, 1).apply(
            Configuration(entries: [entry("one"), entry("two")]), by: "me")
        let left = Configuration(entries: [entry("one")])
        _ = try await store(fixture, 2).apply(left, by: "me")
        let loaded = try await store(fixture, 2).loadConfiguration()
        XCTAssertEqual(loaded?.configuration, left)
        let owners = try await fixture.pool.query(
            "SELECT DISTINCT id FROM secret JOIN connection ON number = secret.connection"
        ).decoded(String.self)
        XCTAssertEqual(owners, ["one"])
    }
}
