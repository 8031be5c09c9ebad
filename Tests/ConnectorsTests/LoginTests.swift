import Crypto
import HTTP
import JSON
import Models
import XCTest

@testable import Connectors

final class LoginTests: XCTestCase {
    func testTheAssertionIsSignedAndAddressedToSalesforce() throws {
        let settings = try Org.settings(login: "https://acme.my.salesforce.com")
        let request = try SalesforceLogin.request(for: settings, now: Org.now)
        XCTAssertEqual(request.method, "POST")
        XCTAssertEqual(request.url, "https://acme.my.salesforce.com/services/oauth2/token")
        XCTAssertEqual(request.headers["Content-Type"], "application/x-www-form-urlencoded")
        XCTAssertNil(request.headers["Authorization"])
        let form = String(decoding: request.body, as: UTF8.self).split(separator: "&")
        XCTAssertEqual(
            form.first, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer")
        let assertion = try XCTUnwrap(form.last).dropFirst("assertion=".count)
        let parts = assertion.split(separator: ".")
        XCTAssertEqual(parts.count, 3)
        XCTAssertEqual(try json(parts[0]), ["alg": "RS256", "typ": "JWT"])
        XCTAssertEqual(
            try json(parts[1]),
            [
                "iss": "3MVG9.consumer", "sub": "liaison@acme.example.sandbox1",
                "aud": "https://login.salesforce.com", "exp": 1_772_443_084,
            ])
        let publicKey = try RSAPublicKey(pem: try Org.privateKey.get().publicPEM)
        let signature = try XCTUnwrap(Base64.decodeURL(parts[2]))
        let signed = Array("\(parts[0]).\(parts[1])".utf8)
        XCTAssertTrue(publicKey.verifyRS256(signature: signature, message: signed))
    }

    private func json(_ part: Substring) throws -> JSON {
        try JSON(parsing: try XCTUnwrap(Base64.decodeURL(part)))
    }

    /// A token is sent only to the login's own server and to Salesforce.
    func testATokenIsSentOnlyToTrustedInstances() throws {
        func check(
            _ instance: String, from login: String = "https://login.salesforce.com",
            _ isTrusted: Bool, line: UInt = #line
        ) throws {
            let origin = try XCTUnwrap(ServerOrigin(instance), line: line)
            let login = try XCTUnwrap(ServerOrigin(login), line: line)
            XCTAssertEqual(SalesforceSession.isTrusted(origin, from: login), isTrusted, line: line)
        }
        try check("https://acme.my.salesforce.com", true)
        try check("https://na1.salesforce.com", true)
        try check("https://acme.lightning.force.com", true)
        try check("http://acme.my.salesforce.com", false)
        try check("https://acme.my.salesforce.com:8443", false)
        try check("https://salesforce.com.evil.example", false)
        try check("https://evilsalesforce.com", false)
        try check("https://169.254.169.254", false)
        try check("http://127.0.0.1:5432", false)
        try check("https://localhost", false)
        try check("http://127.0.0.1:9001", from: "http://127.0.0.1:9000", true)
        try check("http://localhost:9001", from: "http://127.0.0.1:9000", true)
        try check("http://10.0.0.1:9001", from: "http://127.0.0.1:9000", false)
        try check("https://acme.my.salesforce.com", from: "http://127.0.0.1:9000", true)
        try check("http://sandbox:9000", from: "http://sandbox:9000", true)
        try check("http://sandbox:9001", from: "http://sandbox:9000", false)
    }

    func testAnAnswerThatIsNoLoginIsRefused() async throws {
        func check(_ answer: JSON, _ expected: Disposition, line: UInt = #line) async throws {
            let script = Script([.json(200, answer)])
            let client = try Org.client(script)
            let failure = await failure(line: line) { () async throws(Failure) in
                try await client.whoAmI()
            }
            XCTAssertEqual(Disposition(failure), expected, line: line)
            XCTAssertFalse("\(failure as Any)".contains("T1"), line: line)
            XCTAssertEqual(script.lines.count, 1, line: line)
        }
        func answer(_ key: String, _ value: JSON?) -> JSON {
            var object = Org.token("T1").object ?? JSONObject()
            object[key] = value
            return .object(object)
        }
        try await check(answer("access_token", nil), .retry)
        try await check(answer("access_token", "T1\r\nX-Evil: 1"), .retry)
        try await check(answer("access_token", ""), .retry)
        try await check(answer("id", "https://login.salesforce.com/id/x/y"), .retry)
        try await check(answer("id", nil), .retry)
        try await check(answer("instance_url", nil), .retry)
        try await check(answer("instance_url", "https://evil.example"), .stop)
        try await check(answer("instance_url", "https://a.salesforce.com@evil.example"), .stop)
        try await check([], .retry)
    }

    func testTheLoginTellsUserAndOrganisation() async throws {
        let script = Org.script([])
        let client = try Org.client(script)
        for _ in 0..<3 {
            let identity = try await client.whoAmI()
            XCTAssertEqual(identity.user, RecordID(Org.user))
            XCTAssertEqual(identity.organization, RecordID(Org.id))
        }
        XCTAssertEqual(script.logins, 1)
    }

    func testAnExpiredAssertionIsRenewedOnce() async throws {
        let refusal: JSON = [
            "error": "invalid_grant", "error_description": "assertion expired",
        ]
        let corrected = Script([.json(400, refusal), .json(200, Org.token("T1"))])
        _ = try await Org.client(corrected).whoAmI()
        XCTAssertEqual(corrected.logins, 2)
        let broken = Script { _, _ in .json(400, refusal) }
        let client = try Org.client(broken)
        let failure = await failure { () async throws(Failure) in try await client.whoAmI() }
        XCTAssertEqual(Disposition(failure), .wait(300))
        XCTAssertEqual(broken.logins, 2)
    }

    func testSessionsAreNotPrinted() throws {
        let login = try XCTUnwrap(ServerOrigin("https://login.salesforce.com"))
        let response = HTTPResponse(status: 200, body: Org.token("s3cret").bytes)
        let session = try SalesforceSession(response, from: login)
        var dumped = "\(session)"
        dump(session, to: &dumped)
        XCTAssertFalse(dumped.contains("s3cret"), dumped)
    }
}
