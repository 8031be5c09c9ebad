import Crypto
import HTTP
import JSON
import XCTest

@testable import Sandbox

final class SalesforceLoginTests: XCTestCase {
    private static let key = Result { try RSAPrivateKey.generate() }
    private static let otherKey = Result { try RSAPrivateKey.generate() }

    private func options() throws -> SandboxOptions {
        var options = SandboxOptions()
        options.salesforce.publicKeyPEM = try Self.key.get().publicPEM
        return options
    }

    /// Claims that are accepted at the sandbox's time, with some changed.
    private func logIn(
        _ sandbox: inout DirectSandbox, _ changed: KeyValuePairs<String, JSON> = [:],
        header: JSON = ["alg": "RS256"], key: Result<RSAPrivateKey, any Error> = key,
        grant: String = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    ) throws -> DirectSandbox.Answer {
        let claims = JSON.object([
            "iss": "3MVG9SandboxConsumerKey", "sub": "liaison@sandbox.example",
            "aud": "https://login.salesforce.com", "exp": JSON(Int(sandbox.now.seconds) + 180),
        ]).with(changed)
        let signed = "\(Base64.encodeURL(header.bytes)).\(Base64.encodeURL(claims.bytes))"
        let signature = try key.get().signRS256(Array(signed.utf8))
        let body = "grant_type=\(grant)&assertion=\(signed).\(Base64.encodeURL(signature))"
        let request = HTTPRequest(
            method: "POST", path: "/services/oauth2/token",
            headers: ["Content-Type": "application/x-www-form-urlencoded"],
            body: Array(body.utf8))
        switch sandbox.state.receive(APICall(request, at: sandbox.now), of: .salesforce) {
        case .answer(let response):
            return DirectSandbox.Answer(
                status: response.status, body: try JSON(parsing: response.body),
                headers: response.headers)
        case .hang: return DirectSandbox.Answer(status: -1, body: .null, headers: [:])
        }
    }

    func testAcceptedAndRefusedAssertions() throws {
        var sandbox = DirectSandbox(try options())
        let now = Int(sandbox.now.seconds)
        func check(
            _ expected: String, _ changed: KeyValuePairs<String, JSON> = [:],
            header: JSON = ["alg": "RS256"],
            key: Result<RSAPrivateKey, any Error> = SalesforceLoginTests.key, line: UInt = #line
        ) throws {
            let answer = try logIn(&sandbox, changed, header: header, key: key)
            let words = answer.body["error_description"]?.string ?? ""
            XCTAssertEqual(answer.code.map { "\($0): \(words)" } ?? "ok", expected, line: line)
            XCTAssertEqual(answer.status, expected == "ok" ? 200 : 400, line: line)
        }
        try check("ok")
        try check("ok", ["exp": .string(String(now + 60))])
        try check("ok", ["aud": "https://test.salesforce.com", "iat": JSON(now)])
        try check("ok", header: ["alg": "RS256", "typ": "JWT"])
        try check("invalid_client_id: client identifier invalid", ["iss": "other"])
        try check("invalid_grant: invalid assertion", key: Self.otherKey)
        try check("invalid_grant: invalid assertion", header: ["alg": "none"])
        try check("invalid_grant: audience is invalid", ["aud": "login.salesforce.com"])
        try check("invalid_grant: user hasn't approved this consumer", ["sub": "no@body"])
        try check(
            "invalid_grant: user hasn't approved this consumer", ["sub": "mira@sandbox.example"])
        try check("invalid_grant: expired authorization code", ["exp": JSON(now)])
        try check("invalid_grant: invalid assertion", ["exp": JSON(now + 301)])
        try check("invalid_grant: invalid assertion", ["exp": .null])
        sandbox.control(
            "POST", "/_sandbox/salesforce/act",
            [
                "do": "update", "object": "User", "id": "005bX0000000003",
                "fields": ["IsActive": false],
            ])
        try check("inactive_user: user is inactive")
    }

    func testOtherGrantsAreUnsupported() throws {
        var sandbox = DirectSandbox(try options())
        XCTAssertEqual(try logIn(&sandbox, grant: "password").code, "unsupported_grant_type")
    }

    func testASessionSlidesAndEnds() throws {
        var sandbox = DirectSandbox(try options())
        let login = try logIn(&sandbox).body
        let token = login["access_token"]?.string ?? ""
        XCTAssertTrue(token.hasPrefix("00DbX0000000001!"))
        let headers: HTTPHeaders = ["Authorization": "Bearer \(token)"]
        func status(_ headers: HTTPHeaders) -> Int {
            let answer = sandbox.salesforce("GET", "/sobjects", headers: headers)
            if answer.status == 401 { XCTAssertEqual(answer.code, "INVALID_SESSION_ID") }
            return answer.status
        }
        for _ in 0..<3 {
            XCTAssertEqual(status(headers), 200)
            sandbox.advance(7_000)
        }
        sandbox.advance(300)
        XCTAssertEqual(status(headers), 401)
        XCTAssertEqual(status(["Authorization": "Bearer nonsense"]), 401)
        let scheme = sandbox.salesforce(
            "GET", "/sobjects", headers: ["Authorization": "Token \(token)"])
        XCTAssertEqual(scheme.code, "INVALID_AUTH_HEADER")
    }

    func testIdentity() throws {
        var sandbox = DirectSandbox(try options())
        let login = try logIn(&sandbox).body
        let headers: HTTPHeaders = [
            "Authorization": "Bearer \(login["access_token"]?.string ?? "")"
        ]
        let info = sandbox.salesforce("GET", "/services/oauth2/userinfo", headers: headers).body
        XCTAssertEqual(info["organization_id"], "00DbX0000000001UAA")
        XCTAssertEqual(info["user_id"], "005bX0000000003QAA")
        XCTAssertEqual(login["id"]?.string, "/id/00DbX0000000001UAA/005bX0000000003QAA")
        XCTAssertNil(login["refresh_token"])
    }
}
