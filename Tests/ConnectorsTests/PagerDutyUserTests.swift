import HTTP
import JSON
import Models
import XCTest

@testable import Connectors

/// The user in whose name PagerDuty shows our changes.
final class PagerDutyUserTests: XCTestCase {
    private let people: JSON = [
        "users": [
            ["id": "PUSER01", "email": "a.bridge@example.com"],
            ["id": "PUSER02", "email": "Bridge@example.com"],
        ]
    ]

    func testOurUserIsThatOfTheFromAddress() async throws {
        try await check(.json(200, people), "PUSER02")
    }

    func testAnAddressThatOnlyContainsOursIsAnotherUsers() async throws {
        try await check(.json(200, people), from: "ridge@example.com", nil)
    }

    func testOurUserWithoutAnAddressIsThatOfTheToken() async throws {
        try await check(
            .json(200, ["user": ["id": "PUSER03"]]), from: nil, "PUSER03",
            asking: "GET /users/me")
    }

    func testARefusedQueryTellsNoUser() async throws {
        for status in [400, 403, 404] {
            try await check(.answer(status), nil)
            try await check(.answer(status), from: nil, nil, asking: "GET /users/me")
        }
    }

    func testAServerErrorIsAFailure() async {
        let failure = await failure { () async throws(Failure) in
            try await PagerDuty(
                settings: Account.settings(), send: Script([.answer(503)]).send
            ).ownUser()
        }
        XCTAssertEqual(Disposition(failure), .retry)
    }

    private func check(
        _ answer: Result<HTTPResponse, HTTPClientError>, from: String? = "bridge@example.com",
        _ user: String?, asking line: String? = nil, at place: UInt = #line
    ) async throws {
        let script = Script([answer])
        let vendor = PagerDuty(settings: Account.settings(from: from), send: script.send)
        let found = try await vendor.ownUser()
        XCTAssertEqual(found, user, line: place)
        let query = (from ?? "").replacingOccurrences(of: "@", with: "%40")
        let asked = line ?? "GET /users?query=\(query)&limit=100"
        XCTAssertEqual(script.lines, [asked], line: place)
    }
}
