import XCTest

private let json = ("Content-Type", "application/json")
private let xml = ("Content-Type", "text/xml; charset=utf-8")

/// The table "what bad input gets", over real sockets. Nothing of it may reach the log.
final class BadInputTests: XCTestCase {
    func testUnknownPathsAndConnections() async throws {
        try await refused { ingest in
            for path in [
                "/", "/pagerduty", "/pagerduty/", "/pagerduty/unknown", "/pagerduty/acme/",
                "/pagerduty/acme/x", "/PagerDuty/acme", "/pagerduty/acme%20", "/salesforce/unknown",
                "/salesforce/acme/outbound", "/salesforce/acme/inbound/\(Fixtures.outboundToken)",
                "/salesforce/unknown/outbound/\(Fixtures.outboundToken)", "/metrics", "/readyz",
            ] {
                check(404, try await ingest.publicPort.send("POST", path, [json]), path)
            }
        }
    }

    func testAConnectionWithoutThatVendorIsUnknown() async throws {
        var connection = Fixtures.connection()
        connection.salesforce = nil
        try await refused(FakeIngestStore([connection])) { ingest in
            check(404, try await ingest.publicPort.send("POST", "/salesforce/acme", [json]), "apex")
            check(404, try await ingest.deliverOutbound([]), "outbound")
        }
    }

    func testWrongMethods() async throws {
        try await refused { ingest in
            for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
                let answer = try await ingest.publicPort.send(method, "/pagerduty/acme", [json])
                check(405, answer, method)
                XCTAssertEqual(answer.header("Allow"), "POST")
            }
        }
    }

    func testWrongMediaTypes() async throws {
        try await refused { ingest in
            for type in [
                "text/plain", "application/json; charset=iso-8859-1", "application/json; x=1",
                "application/jsonp", "text/xml", "application/json, text/plain",
                "multipart/form-data; boundary=x", "",
            ] {
                let headers = type.isEmpty ? [] : [("Content-Type", type)]
                let answer = try await ingest.publicPort.send("POST", "/pagerduty/acme", headers)
                check(415, answer, type)
            }
            let coded = [json, ("Content-Encoding", "gzip")]
            check(415, try await ingest.publicPort.send("POST", "/pagerduty/acme", coded), "coded")
            let path = "/salesforce/acme/outbound/\(Fixtures.outboundToken)"
            check(415, try await ingest.publicPort.send("POST", path, [json]), "json for xml")
        }
    }

    func testMissingAndWrongSignatures() async throws {
        let body = Fixtures.incidentEvent()
        let good = Fixtures.signature(body)
        try await refused { ingest in
            let digits = String(good.dropFirst(3))
            let oneOff = String(good.dropLast()) + (good.hasSuffix("0") ? "1" : "0")
            let nine = Array(repeating: good, count: 9).joined(separator: ",")
            let signatures: [String] = [
                "", "v1=", digits, "v2=\(digits)", "v1 = \(digits)", oneOff,
                String(good.dropLast(2)),
                good + "00", Fixtures.signature(body, by: "another"),
                Fixtures.signature(body + [0x20]), nine,
            ]
            for signature in signatures {
                check(401, try await ingest.deliver(body, signature: signature), signature)
            }
            let twice = [("X-PagerDuty-Signature", good)]
            check(401, try await ingest.deliver(body, signature: good, twice), "two headers")
            check(
                401,
                try await ingest.publicPort.send("POST", "/pagerduty/acme", [json], body: body),
                "none"
            )
            check(
                401,
                try await ingest.deliver(
                    body, signature: "v1=00", [("X-Webhook-Subscription", "POTHER")]),
                "an unknown subscription")
        }
    }

    func testAKnownSubscriptionWhoseSecretWasExchangedIsKeptByTheVendor() async throws {
        let body = Fixtures.incidentEvent()
        let known = [("X-Webhook-Subscription", Fixtures.subscription)]
        try await refused { ingest in
            let answer = try await ingest.deliver(
                body, signature: Fixtures.signature(body, by: "new at the vendor"), known)
            check(503, answer, "stale")
            XCTAssertNotNil(answer.header("Retry-After"))
            check(
                503,
                try await ingest.publicPort.send(
                    "POST", "/pagerduty/acme", [json] + known, body: body),
                "missing")
            let alarms = try await ingest.metric("liaison_subscription_secret_stale_total")
            XCTAssertEqual(alarms, "2")
        }
    }

    func testWrongLegacyTokens() async throws {
        try await refused { ingest in
            for header in [
                ("X-Team-Token", "legacy-token-2"), ("X-Team-Token", ""), ("X-Other", "x"),
                ("Authorization", "Basic bm9ib2R5Omd1ZXNz"),
                // The token as the user's name is not the password.
                ("Authorization", "Basic bGVnYWN5LXRva2VuLTE6"), ("Authorization", "Basic %%%"),
                ("Authorization", "Bearer \(Fixtures.legacyToken)"),
            ] {
                let answer = try await ingest.publicPort.send(
                    "POST", "/pagerduty/acme", [json, header], body: Array(#"{"messages":[]}"#.utf8)
                )
                check(401, answer, "\(header)")
            }
        }
    }

    func testWrongApexProofs() async throws {
        let body = Array(#"{"old":null,"new":{}}"#.utf8)
        func signed(at seconds: Int64, by secret: String = Fixtures.apexSecret) -> RawHTTP.Fields {
            let message = Array("\(seconds).".utf8) + body
            return [
                ("X-Liaison-Timestamp", "\(seconds)"),
                ("X-Liaison-Signature", Fixtures.signature(message, by: secret)),
            ]
        }
        let now = Fixtures.now.seconds
        try await refused { ingest in
            for headers in [
                [], [("X-Liaison-Token", "wrong")], [("Authorization", "Bearer wrong")],
                signed(at: now, by: "wrong"), signed(at: now - 301), signed(at: now + 301),
                signed(at: .max), signed(at: .min),
                [("X-Liaison-Timestamp", "\(now)"), signed(at: now - 1)[1]],
                [signed(at: now)[1]],
                // A wrong signature is not saved by a right token.
                signed(at: now, by: "wrong") + [("X-Liaison-Token", Fixtures.apexToken)],
            ] {
                let answer = try await ingest.publicPort.send(
                    "POST", "/salesforce/acme", [json] + headers, body: body)
                check(401, answer, "\(headers)")
            }
        }
    }

    func testWrongOrganisationsAndPathTokens() async throws {
        let message = Fixtures.outboundMessage(notifications: [Fixtures.notification(1)])
        let other = Fixtures.outboundMessage(
            organization: "00D000000000XYZ", notifications: [Fixtures.notification(1)])
        let both = Fixtures.outboundMessage(
            organization: Fixtures.organization
                + "</OrganizationId><OrganizationId>00D000000000XYZ",
            notifications: [Fixtures.notification(1)])
        let lower = Fixtures.outboundMessage(
            organization: Fixtures.organization.lowercased(),
            notifications: [Fixtures.notification(1)])
        try await refused { ingest in
            check(401, try await ingest.deliverOutbound(message, token: "wrong"), "token")
            check(401, try await ingest.deliverOutbound(message, token: ""), "no token")
            check(401, try await ingest.deliverOutbound(other), "organisation")
            check(400, try await ingest.deliverOutbound(both), "two organisations")
            check(401, try await ingest.deliverOutbound(lower), "ids are case-sensitive")
            check(
                401,
                try await ingest.deliverApex(#"{"new":{},"organizationId":"00D000000000XYZ"}"#),
                "apex")
        }
    }

    func testBodiesThatAreNoAcceptableJSON() async throws {
        try await refused { ingest in
            for body in [
                "", "{", "{\"event\":}", "{} {}", "{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":1}",
                String(repeating: "[", count: 65) + String(repeating: "]", count: 65),
                String(repeating: "[", count: 100_000), "{\"a\":\"\\ud800\"}", "\u{FEFF}{}",
            ] {
                check(400, try await ingest.deliver(Array(body.utf8)), String(body.prefix(40)))
            }
            for bytes: [UInt8] in [
                [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D], [0x7B, 0, 0x7D, 0],
            ] {
                check(400, try await ingest.deliver(bytes), "\(bytes)")
            }
            check(400, try await ingest.deliverApex(#"{"new":"{"}"#), "a text of no JSON")
        }
    }

    func testXMLThatIsDangerousOrBroken() async throws {
        let good = Fixtures.outboundMessage(notifications: [Fixtures.notification(1)])
        let text = String(decoding: good, as: UTF8.self)
        let body = String(text.split(separator: "?>", maxSplits: 1).last ?? "")
        try await refused { ingest in
            for xml in [
                "<!DOCTYPE e [<!ENTITY x \"y\">]>" + body,
                "<?xml version=\"1.0\"?><!DOCTYPE e SYSTEM \"file:///etc/passwd\">" + body,
                "<?xml version=\"1.0\"?>\n<!-- c --><!DOCTYPE e>" + body,
                text.replacingOccurrences(of: "A &lt;b", with: "&undefined;"),
                text.replacingOccurrences(of: "</e:Body>", with: ""), "", "not xml",
                text.replacingOccurrences(of: "</sf:Subject>", with: "</sf:Subject><sf:Subject/>"),
                String(repeating: "<a>", count: 5000),
            ] {
                check(400, try await ingest.deliverOutbound(Array(xml.utf8)), "\(xml.prefix(60))")
            }
            for bytes in [
                Array("\u{FEFF}<?xml version=\"1.0\"?><!DOCTYPE e>".utf16).flatMap {
                    [UInt8($0 & 0xFF), UInt8($0 >> 8)]
                }, Array("<a".utf8) + [0xFF],
            ] {
                check(400, try await ingest.deliverOutbound(bytes), "bytes")
            }
        }
    }

    func testBodiesThatAreTooLarge() async throws {
        let many = Fixtures.outboundMessage(notifications: (0...100).map(Fixtures.notification))
        try await refused { ingest in
            check(
                413,
                try await ingest.publicPort.send(
                    "POST", "/pagerduty/acme", [json], declaring: 10_000_000_000_000),
                "10 TB declared")
            check(
                413,
                try await ingest.publicPort.send(
                    "POST", "/pagerduty/acme", [json], declaring: 524_289),
                "+1")
            let path = "/salesforce/acme/outbound/\(Fixtures.outboundToken)"
            check(
                413,
                try await ingest.publicPort.send("POST", path, [xml], declaring: (4 << 20) + 1),
                "SOAP"
            )
            check(413, try await ingest.deliverOutbound(many), "101 notifications")
            let records = (0...200).map { #""5000000000\#(String("00000\($0)".suffix(5)))":{}"# }
            check(
                413, try await ingest.deliverApex("{\"new\":{\(records.joined(separator: ","))}}"),
                "201")
        }
    }

    func testABodyOfTheGreatestSizeIsRead() async throws {
        try await TestIngest.running { ingest in
            let head = Fixtures.incidentEvent()
            let blanks = [UInt8](repeating: 0x20, count: (512 << 10) - head.count)
            let answer = try await ingest.deliver(head + blanks)
            XCTAssertEqual(answer.status, 202)
        }
    }

    func testAProblemDocumentTellsNoSecret() async throws {
        try await refused { ingest in
            let body = Fixtures.incidentEvent()
            let answer = try await ingest.deliver(body, signature: "v1=00")
            XCTAssertEqual(answer.header("Content-Type"), "application/problem+json")
            for secret in [Fixtures.secret, Fixtures.oldSecret, Fixtures.signature(body)] {
                XCTAssertFalse((answer.head + answer.body).contains(secret))
            }
        }
    }

    /// Opens a ingest, and afterwards looks that nothing was stored.
    private func refused(
        _ store: FakeIngestStore = FakeIngestStore([Fixtures.connection()]), line: UInt = #line,
        _ body: (TestIngest) async throws -> Void
    ) async throws {
        try await TestIngest.running(store, body)
        XCTAssertEqual(store.batches, [], line: line)
    }

    private func check(
        _ status: Int, _ answer: RawHTTP.Answer, _ row: String, line: UInt = #line
    ) {
        XCTAssertEqual(answer.status, status, "\(row): \(answer.body)", line: line)
        XCTAssertTrue(
            answer.body.contains(#""status":\#(status)"#), "\(row): \(answer.body)", line: line)
    }
}
