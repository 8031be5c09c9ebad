import Crypto
import Models
import Postgres
import Store
import TestSupport
import XCTest

final class ApplyTests: XCTestCase {
    private let rule = Sample.rule("a", when: ["always": true])

    func testMigratePrintsTheAppliedSteps() async throws {
        let database = try await TestDatabase.make(for: self)
        let environment = ["LIAISON_DATABASE_URL": database.url]
        let newest = Store.migrations.count
        let first = await ConsoleRun.of("migrate", environment: environment)
        XCTAssertEqual(first.errors, [])
        XCTAssertEqual(
            first.output.dropLast(),
            Store.migrations.map { "applied \($0.number): \($0.name)" }[...])
        XCTAssertEqual(first.output.last?.hasSuffix("is at schema version \(newest)"), true)
        let second = await ConsoleRun.of("migrate", environment: environment)
        XCTAssertEqual(second.output, [first.output.last])

        try await database.pool().query(
            "INSERT INTO migration (number, name) VALUES (999, 'later')")
        let third = await ConsoleRun.of("migrate", environment: environment)
        XCTAssertEqual(third.status, 1)
        XCTAssertEqual(
            third.errors,
            [
                "the database has schema version 999, this program knows up to \(newest): "
                    + "use the newer program"
            ])
    }

    func testAChangedFileIsANewVersionAndAnUnchangedOneIsNot() async throws {
        var fixture = try await ConsoleFixture(for: self)
        let first = try await fixture.apply([rule])
        XCTAssertEqual(first.errors, [])
        XCTAssertEqual(
            first.output,
            [
                "version 1 is in force: 1 connection, 1 ruleset, 1 rule",
                "  acme: PagerDuty at http://127.0.0.1:8101; no Salesforce; 1 rule, 0 switched off",
            ])
        let path = "\(fixture.folder.path)/liaison.json"
        let same = await fixture.run("apply", path)
        XCTAssertEqual(same.output, ["\(path) is unchanged; version 1 stays in force"])
        XCTAssertEqual(same.status, 0)

        let second = try await fixture.apply([rule, Sample.rule("b", when: ["always": true])])
        XCTAssertEqual(
            second.output.first, "version 2 is in force: 1 connection, 1 ruleset, 2 rules")
        // A new secret is a change, although the file is the same.
        fixture.environment["TOKEN"] = "\(ConsoleFixture.canary)-2"
        let third = await fixture.run("apply", path)
        XCTAssertEqual(
            third.output.first, "version 3 is in force: 1 connection, 1 ruleset, 2 rules")
        let active = try await fixture.store.loadConfiguration()
        XCTAssertEqual(
            active?.configuration.entries.first?.connection.pagerDuty?.token.revealed,
            "\(ConsoleFixture.canary)-2")
        for run in [first, same, second, third] {
            XCTAssertFalse(run.everything.contains(ConsoleFixture.canary))
        }
    }

    func testAnotherOrderOfConnectionsIsNotAChange() async throws {
        let fixture = try await ConsoleFixture(for: self)
        let one = try fixture.write([rule], connections: ["acme", "blue"])
        let other = try fixture.write([rule], to: "other.json", connections: ["blue", "acme"])
        _ = await fixture.run("apply", one)
        let second = await fixture.run("apply", other)
        XCTAssertEqual(second.output, ["\(other) is unchanged; version 1 stays in force"])
    }

    func testAFileWithAProblemChangesNothing() async throws {
        let fixture = try await ConsoleFixture(for: self)
        try await fixture.apply([rule])
        let run = try await fixture.apply([rule, rule, ["id": "c"]])
        XCTAssertEqual(run.status, 1)
        XCTAssertEqual(run.output, [])
        XCTAssert(
            run.errors.contains("/connections/0/rulesets/0/rules/1/id: \"a\" is used twice"))
        XCTAssert(
            run.errors.contains("/connections/0/rulesets/0/rules/2/direction: is missing"))
        let version = try await fixture.store.configurationVersion()
        XCTAssertEqual(version, 1)
    }

    func testApplyReplacesAConfigurationWhoseMasterKeyIsLost() async throws {
        var fixture = try await ConsoleFixture(for: self)
        try await fixture.apply([rule])
        let key = [UInt8](repeating: 9, count: 32)
        fixture.environment["LIAISON_MASTER_KEY"] = Hex.encode(key)
        let run = try await fixture.apply([rule])
        XCTAssertEqual(
            run.output.first, "version 2 is in force: 1 connection, 1 ruleset, 1 rule")
        let store = Store(fixture.database.pool(), secretKeys: try SecretKeys(key))
        let active = try await store.loadConfiguration()
        XCTAssertEqual(active?.version, 2)
    }

    func testProblemsOfTheEnvironmentAreListedWithoutSecrets() async throws {
        let fixture = try await ConsoleFixture(for: self)
        let path = try fixture.write([rule])
        let canary = ConsoleFixture.canary
        let url = fixture.database.url
        let key = Base64.encode(ConsoleFixture.masterKey)
        await refuse(
            path, [:], ["LIAISON_DATABASE_URL is missing", "LIAISON_MASTER_KEY is missing"])
        await refuse(
            path, ["LIAISON_DATABASE_URL": url, "LIAISON_MASTER_KEY": canary],
            ["LIAISON_MASTER_KEY must be 32 bytes, in Base64 or as 64 hexadecimal digits"])
        await refuse(
            path, ["LIAISON_DATABASE_URL": "nonsense \(canary)", "LIAISON_MASTER_KEY": key],
            ["LIAISON_DATABASE_URL is no connection string of PostgreSQL"])
        await refuse(
            path,
            ["LIAISON_DATABASE_URL": url, "LIAISON_MASTER_KEY": key, "LIAISON_MASTERKEY": canary],
            ["LIAISON_MASTERKEY is not a setting of this program; check its spelling"])
        let away = await ConsoleRun.of(
            "apply", path,
            environment: [
                "LIAISON_DATABASE_URL": "postgresql://liaison:\(canary)@127.0.0.1:1/liaison",
                "LIAISON_MASTER_KEY": key, "TOKEN": canary,
            ])
        XCTAssertEqual(away.status, 1)
        XCTAssertEqual(away.errors.first?.hasPrefix("the database cannot be reached: "), true)
        XCTAssertFalse(away.everything.contains(canary))
    }

    private func refuse(
        _ path: String, _ environment: [String: String], _ errors: [String], line: UInt = #line
    ) async {
        let variables = environment.merging(["TOKEN": ConsoleFixture.canary]) { $1 }
        let run = await ConsoleRun.of("apply", path, environment: variables)
        XCTAssertEqual(run.status, 1, line: line)
        XCTAssertEqual(run.errors, errors, line: line)
        XCTAssertFalse(run.everything.contains(ConsoleFixture.canary), line: line)
    }
}
