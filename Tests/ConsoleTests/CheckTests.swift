import Crypto
import Foundation
import JSON
import XCTest

@testable import Console

/// `console check` needs no database and lists every problem at once.
final class CheckTests: XCTestCase {
    private static let canary = "canary-7f3a91-never-print-me"

    func testTheDemoConfigurationIsValid() async throws {
        // The file names its key by a relative path, so the copy keeps the layout of the folders.
        let folder = try TemporaryFolder(for: self)
        let demo = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("deploy/demo/liaison.json")
        let path = try folder.write(
            String(contentsOf: demo, encoding: .utf8), to: "deploy/demo/liaison.json")
        _ = try folder.write(try RSAPrivateKey.generate().pem, to: ".liaison/salesforce.pem")
        let run = await ConsoleRun.of(
            "check", path,
            environment: [
                "ACME_PAGERDUTY_TOKEN": Self.canary,
                "ACME_PAGERDUTY_WEBHOOK_SECRET": Self.canary,
                "ACME_PAGERDUTY_LEGACY_TOKEN": Self.canary,
                "ACME_SALESFORCE_WEBHOOK_SECRET": Self.canary,
                "ACME_SALESFORCE_OUTBOUND_TOKEN": Self.canary,
            ])
        XCTAssertEqual(run.errors, [])
        XCTAssertEqual(run.status, 0)
        XCTAssertEqual(
            run.output.first, "\(path) can be applied: 1 connection, 3 rulesets, 16 rules")
        XCTAssertFalse(run.everything.contains(Self.canary))
    }

    func testEveryProblemIsListedWithItsPointer() async throws {
        let folder = try TemporaryFolder(for: self)
        _ = try folder.write("", to: "empty")
        _ = try folder.write([0xFF, 0xFE], to: "binary")
        _ = try folder.write("no key at all\n", to: "key.pem")
        let path = try folder.write(Self.wrongDocument, to: "liaison.json")
        let run = await ConsoleRun.of("check", path, environment: ["EMPTY": ""])
        XCTAssertEqual(run.status, 1)
        XCTAssertEqual(run.output, [])
        for (pointer, message) in Self.problems {
            let line = "/connections/0\(pointer): \(message)"
            XCTAssert(run.errors.contains(line), line)
        }
        for (pointer, message) in Self.problemBeginnings {
            let beginning = "/connections/0\(pointer): \(message)"
            XCTAssert(run.errors.contains { $0.hasPrefix(beginning) }, beginning)
        }
        XCTAssertEqual(
            run.errors.count, Self.problems.count + Self.problemBeginnings.count, "\(run.errors)")
        XCTAssertFalse(run.everything.contains(Self.canary))
    }

    private static let wrongDocument = """
        {"connections": [
            {
                "id": "Acme Shop",
                "pagerDuty": {
                    "apiURL": "http://example.com",
                    "token": "\(CheckTests.canary)",
                    "from": "no address",
                    "webhooks": [
                        {"secret": {"variable": "ABSENT"}},
                        {"secret": {"variable": "EMPTY"}},
                        {"secret": {"file": "absent"}},
                        {"secret": {"file": "empty"}},
                        {"secret": {"file": "binary"}},
                        {"secret": {"file": "empty", "variable": "EMPTY"}},
                        {"secret": {}},
                        {"secret": {"vault": "there"}}
                    ]
                },
                "salesforce": {"clientId": 7, "privateKey": {"file": "key.pem"}},
                "rulesets": [
                    {
                        "name": "One",
                        "rules": [
                            {
                                "id": "a", "object": "Case", "direction": "recordChange",
                                "when": {
                                    "field": "record.Subject", "operator": "matchesRegex",
                                    "value": "("
                                },
                                "actions": [{"type": "page"}]
                            }
                        ]
                    }
                ],
                "colour": "red"
            }
        ]}
        """

    /// Each row: the place within the connection, and the message.
    private static let problems: [(String, String)] = [
        ("/id", "must be 1 to 40 lower-case letters, digits and hyphens"),
        ("/pagerDuty/apiURL", "must begin with https://"),
        ("/pagerDuty/from", "must be the e-mail address of a PagerDuty user"),
        (
            "/pagerDuty/token",
            #"must be {"file": path} or {"variable": name}, not the secret itself"#
        ),
        (
            "/pagerDuty/webhooks/0/secret/variable",
            "names the variable ABSENT, which is not set"
        ),
        ("/pagerDuty/webhooks/1/secret/variable", "names the variable EMPTY, which is empty"),
        (
            "/pagerDuty/webhooks/2/secret/file",
            "names a file that cannot be read: No such file or directory"
        ),
        ("/pagerDuty/webhooks/3/secret/file", "names a file that is empty"),
        ("/pagerDuty/webhooks/4/secret/file", "names a file that is not UTF-8"),
        ("/pagerDuty/webhooks/5/secret", "must name either a file or a variable"),
        ("/pagerDuty/webhooks/6/secret", "must name either a file or a variable"),
        ("/pagerDuty/webhooks/7/secret", "must name either a file or a variable"),
        ("/salesforce/clientId", "must be a string"),
        (
            "/salesforce/privateKey",
            #"the text is not a PEM key: no line "-----BEGIN ...-----" was found"#
        ),
        ("/salesforce/username", "is missing"),
    ]

    /// Problems whose messages go on with more than is compared here.
    private static let problemBeginnings = [
        ("/colour", ""), ("/pagerDuty/webhooks/7/secret/vault", ""),
        ("/rulesets/0/rules/0/when/value", "is no regular expression: "),
        ("/rulesets/0/rules/0/actions/0/type", "must be one of "),
    ]

    func testAnAPIAddressIsThatOfAServerAlone() async throws {
        for pointer in ["/pagerDuty/apiURL", "/salesforce/loginURL"] {
            try await accept(
                pointer,
                [
                    "https://api.pagerduty.com", "https://a-b.my.salesforce.com/",
                    "https://10.0.0.1:8443", "https://[::1]:8443", "HTTPS://Api.Example.com",
                    "http://127.0.0.1:7481", "http://localhost:7481/", "http://[::1]:7481",
                ])
            try await refuse(
                pointer,
                [
                    "https://api.pagerduty.com/v2", "https://a.com//", "https://a.com?x",
                    "https://a.com#x", "https://u@a.com", "https://a.com:", "https://a.com:0",
                    "https://a.com:65536", "https://", "https://a..b", "https://a b",
                    "https://é.fr", "https://[::1", "https://[]", "https://[::1]x",
                ], "must be the address of a server alone, such as https://api.example.com")
            try await refuse(
                pointer, ["", "a.com", "http://a.com", "ftp://a.com", "http://localhost.com"],
                "must begin with https://")
        }
    }

    func testTheVersionIsOneThatSalesforceServes() async throws {
        try await accept("/salesforce/apiVersion", ["62.0", "46.0", "100.0"])
        try await refuse(
            "/salesforce/apiVersion",
            ["nan", "1e2", "v59", "45.0", "62", "62.1", "062.0", "62.00", "", "٦٢.0", "inf"],
            "must be a version like 62.0, at least 46.0")
    }

    func testTheSenderIsOneEmailAddress() async throws {
        try await accept("/pagerDuty/from", ["a@b.com", "first.last+x@sub.b-c.co"])
        try await refuse(
            "/pagerDuty/from",
            [
                "@", "a@", "@b.com", "a@b@c.com", "a b@c.com", "a@b..com", "a@b.com\r\nX: y",
                "Ada <a@b.com>", "a@b.com,c@d.com", "é@b.com", "",
            ], "must be the e-mail address of a PagerDuty user")
    }

    func testNamesThatNoVendorTakesAreRefused() async throws {
        for pointer in [
            "/name", "/pagerDuty/webhooks/0/subscription", "/salesforce/clientId",
            "/salesforce/username", "/salesforce/audience",
        ] {
            try await refuse(pointer, ["", "  "], "must not be empty")
        }
        try await accept("/pagerDuty/legacyWebhook/header", ["X-Team-Token"])
        try await refuse(
            "/pagerDuty/legacyWebhook/header", ["", "X Team", "X-Team:", "X-Täm"],
            "must be the name of a header")
        try await accept("/mappings/0/object", ["Outage__c", "ns__Outage__c"])
        try await refuse(
            "/mappings/0/object", ["Not an object!", "", "1st"],
            "must be the API name of an object, such as Case or Outage__c")
        try await refuse("/mappings/1/object", ["account"], "\"account\" is mapped twice")
    }

    func testASecretIsReadWithoutItsLastLineEnd() throws {
        let folder = try TemporaryFolder(for: self)
        for (written, expected) in [
            ("abc", "abc"), ("abc\n", "abc"), ("abc\r\n", "abc"), ("abc\n\n", "abc\n"),
            (" abc ", " abc "),
        ] {
            let secret = try folder.write(written, to: "token")
            for path in ["token", secret] {
                let read = secretText(["file": .string(path)], in: folder)
                XCTAssertEqual(read, expected)
            }
        }
        XCTAssertEqual(
            secretText(["variable": "T"], in: folder, environment: ["T": "abc\n"]), "abc\n")
    }

    func testASecretIsNoLongerThanItsLimit() throws {
        let folder = try TemporaryFolder(for: self)
        _ = try folder.write(
            [UInt8](repeating: 0x61, count: FileSecrets.bytesMax), to: "longest")
        _ = try folder.write(
            [UInt8](repeating: 0x61, count: FileSecrets.bytesMax + 1), to: "longer")
        XCTAssertNotNil(secretText(["file": "longest"], in: folder))
        XCTAssertNil(secretText(["file": "longer"], in: folder))
        XCTAssertNil(secretText(["file": "/dev/zero"], in: folder))
        XCTAssertNil(secretText(["file": "."], in: folder))
    }

    func testInvalidJSONIsReportedWithLineAndColumn() async throws {
        try await refuse(
            Array("{\n  \"connections\": [\n    oops\n".utf8),
            ", line 3, column 5: not JSON: this byte cannot stand here")
        try await refuse(
            Array("{\"a\": 1".utf8), ", line 1, column 8: not JSON: the text ends too early")
        // A column is a character, not a byte.
        try await refuse(
            Array("{\"äöü\" 1}".utf8), ", line 1, column 8: not JSON: this byte cannot")
        try await refuse(
            Array("{\n\"a\": \"".utf8) + [0xC3, 0x28] + Array("\"}".utf8), ", line 2, is not UTF-8")
        try await refuse([], ", line 1, column 1: not JSON: the text ends too early")
        try await refuse(Array("[]".utf8), "/connections: is missing")
    }

    func testAnUnreadableFileIsReported() async throws {
        let folder = try TemporaryFolder(for: self)
        let missing = await ConsoleRun.of("check", folder.path + "/absent.json")
        XCTAssertEqual(
            missing.errors,
            ["\(folder.path)/absent.json cannot be read: No such file or directory"])
        XCTAssertEqual(missing.status, 1)
        let directory = await ConsoleRun.of("check", folder.path)
        XCTAssertEqual(directory.errors, ["\(folder.path) cannot be read: Is a directory"])
    }

    private func secretText(
        _ value: JSON, in folder: TemporaryFolder, environment: [String: String] = [:]
    ) -> String? {
        FileSecrets(folder: folder.path, environment: environment)
            .resolve(JSONReader(value, problems: JSONProblems()))?.revealed
    }

    /// A valid connection with this value at the pointer.
    private static func connection(_ pointer: String, _ value: JSON) -> JSON {
        let secret: JSON = ["variable": "TOKEN"]
        let valid: JSON = [
            "id": "acme", "name": "Acme",
            "pagerDuty": [
                "apiURL": "https://api.pagerduty.com", "token": secret, "from": "a@b.com",
                "webhooks": [["subscription": "PSUB01", "secret": secret]],
                "legacyWebhook": ["header": "X-Team", "token": secret],
            ],
            "salesforce": [
                "loginURL": "https://login.salesforce.com", "audience": "https://a.com",
                "clientId": "c", "username": "u", "privateKey": ["variable": "KEY"],
                "apiVersion": "62.0",
            ],
            "mappings": [["object": "Account"], ["object": "Case"]],
        ]
        return valid.replacing(pointer, by: value)
    }

    /// Asserts that a connection with any of these values at the pointer can be applied.
    private func accept(_ pointer: String, _ values: [JSON], line: UInt = #line) async throws {
        for value in values {
            let run = try await check(Self.connection(pointer, value))
            XCTAssertEqual(run.errors, [], value.text, line: line)
            XCTAssertEqual(run.status, 0, line: line)
        }
    }

    /// Asserts that each of these values at the pointer is the only problem of its connection.
    private func refuse(
        _ pointer: String, _ values: [JSON], _ message: String, line: UInt = #line
    ) async throws {
        for value in values {
            let run = try await check(Self.connection(pointer, value))
            XCTAssertEqual(
                run.errors, ["/connections/0\(pointer): \(message)"], value.text, line: line)
            XCTAssertEqual(run.status, 1, line: line)
        }
    }

    private func check(_ connection: JSON) async throws -> ConsoleRun {
        let document: JSON = ["connections": [connection]]
        let path = try TemporaryFolder(for: self).write(document.text, to: "liaison.json")
        return await ConsoleRun.of(
            "check", path, environment: ["TOKEN": Self.canary, "KEY": try Self.key.get()])
    }

    private static let key = Result { try RSAPrivateKey.generate().pem }

    private func refuse(_ bytes: [UInt8], _ message: String, line: UInt = #line) async throws {
        let path = try TemporaryFolder(for: self).write(bytes, to: "liaison.json")
        let run = await ConsoleRun.of("check", path)
        XCTAssertEqual(run.status, 1, line: line)
        XCTAssert(run.errors.contains { $0.contains(message) }, "\(run.errors)", line: line)
    }
}
