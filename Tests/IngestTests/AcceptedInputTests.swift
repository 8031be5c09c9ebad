import Crypto
import Foundation
import JSON
import Models
import XCTest

/// Authentic deliveries get 2xx and are in the log, over real sockets.
final class AcceptedInputTests: XCTestCase {
    func testASignatureOfAnyActiveSecretIsEnough() async throws {
        let body = Fixtures.incidentEvent()
        let good = Fixtures.signature(body)
        let other = Fixtures.signature(body, by: "some other secret")
        let digits = good.dropFirst(3)
        try await TestIngest.running { ingest in
            for signature in [
                good, Fixtures.signature(body, by: Fixtures.oldSecret), "\(other),\(good)",
                "\(good),\(other)", "\(other), \(good)", "v2=00ff,\(good)", "\t\(good) , nonsense",
                "v1=\(digits.uppercased())",
                Array(repeating: good, count: 8).joined(separator: ","),
            ] {
                let answer = try await ingest.deliver(body, signature: signature)
                XCTAssertEqual(answer.status, 202, signature)
            }
            XCTAssertEqual(ingest.store.events.count, 1)
        }
    }

    func testASignatureThatWasMadeElsewhereIsAccepted() async throws {
        // Made by another implementation over these bytes under this secret.
        let signature = "v1=4e80c18949380f7b3ac02c95cbc218e61650eac55270cc345e06c034e6474cd9"
        XCTAssertEqual(signature, Fixtures.signature(Fixtures.incidentEvent()))
        try await TestIngest.running { ingest in
            let answer = try await ingest.deliver(Fixtures.incidentEvent(), signature: signature)
            XCTAssertEqual(answer.status, 202)
        }
    }

    /// Real deliveries with their published secrets and signatures, where the folder is at hand;
    /// the tests above hold without it.
    func testThePublishedSignedDeliveriesGetTheVerdictThatTheyShould() async throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../shared/fixtures/pagerduty")
        guard
            let bytes = try? Data(
                contentsOf: folder.appendingPathComponent("signature_vectors.json"))
        else { return }
        for vector in try XCTUnwrap(JSON(parsing: bytes).array) {
            let body = try Data(
                contentsOf: folder.appendingPathComponent(vector["body_file"]?.string ?? ""))
            var connection = Fixtures.connection()
            connection.pagerDuty?.webhooks = [
                WebhookSubscription(
                    subscription: nil, secret: SecretText(vector["secret"]?.string ?? ""))
            ]
            // Hexadecimal digits of either case are one number; the vectors leave that open.
            let expected = vector["expect"] == "invalid" ? 401 : 202
            let signature = vector["signature"]?.string ?? ""
            try await TestIngest.running(FakeIngestStore([connection])) { ingest in
                let answer = try await ingest.deliver(Array(body), signature: signature)
                XCTAssertEqual(answer.status, expected, vector["name"]?.string ?? "")
            }
        }
    }

    func testARepetitionIsAnsweredLikeTheFirstAndStoredOnce() async throws {
        let body = Fixtures.incidentEvent()
        let message = Fixtures.outboundMessage(notifications: [Fixtures.notification(1)])
        try await TestIngest.running { ingest in
            let first = try await ingest.deliver(body, [("X-Webhook-Id", "a")])
            let again = try await ingest.deliver(body, [("X-Webhook-Id", "b")])
            XCTAssertEqual(first.status, 202)
            XCTAssertEqual([again.status, first.status], [202, 202])
            XCTAssertEqual(again.body, first.body)
            let acknowledged = try await ingest.deliverOutbound(message)
            let acknowledgedAgain = try await ingest.deliverOutbound(message)
            XCTAssertEqual(acknowledged.body, acknowledgedAgain.body)
            XCTAssertEqual(ingest.store.events.count, 2)
            let duplicates = try await ingest.metric("liaison_events_duplicate_total")
            XCTAssertEqual(duplicates, "2")
        }
    }

    func testTheEventKeepsWhatTheVendorSaid() async throws {
        try await TestIngest.running { ingest in
            let answer = try await ingest.deliver(Fixtures.incidentEvent())
            XCTAssertEqual(answer.body, #"{"events":1}"#)
            let event = try XCTUnwrap(ingest.store.events.first)
            XCTAssertEqual(event.connection, "acme")
            XCTAssertEqual(event.id, "01HTESTEVENT0000000000000A")
            XCTAssertEqual(event.kind, .incident(.triggered))
            XCTAssertEqual(event.lane, .incident("QTEST000000001"))
            XCTAssertEqual(event.occurredAt, Timestamp("2031-05-06T07:08:09.123Z"))
            let sent = try JSON(parsing: Fixtures.incidentEvent())
            XCTAssertEqual(try JSON(parsing: event.payload), sent["event"])
        }
    }

    func testAuthenticEventsOfUnknownKindsAreLogged() async throws {
        try await TestIngest.running { ingest in
            for body in [
                #"{"event":{"id":"1","event_type":"incident.teleported","data":{"type":"x"}}}"#,
                #"{"event":{"id":"2","event_type":"pagey.ping","data":{"type":"ping"}}}"#,
                #"{"event":{}}"#, #"{"event":null}"#, "[]", "null", #"{"messages":{}}"#,
                #"{"messages":[]}"#,
            ] {
                let answer = try await ingest.deliver(Array(body.utf8))
                XCTAssertEqual(answer.status, 202, body)
            }
            XCTAssertEqual(ingest.store.events.count, 8)
            for body in [#"{"old":1}"#, "[]", #"{"new":"\"\\\"twice\\\"\""}"#, #"{"new":[1]}"#] {
                let answer = try await ingest.deliverApex(body)
                XCTAssertEqual(answer.status, 202, body)
            }
            XCTAssertEqual(ingest.store.events.count, 12)
        }
    }

    func testLegacyWebhooksProveThemselvesByTheirToken() async throws {
        let messages = [
            Fixtures.legacyMessage(id: "m1", event: "incident.trigger", incident: "PLEG001"),
            Fixtures.legacyMessage(id: "m2", event: "incident.custom", incident: "PLEG002"),
        ]
        let body = Array("{\"messages\":[\(messages.joined(separator: ","))]}".utf8)
        let basic = Base64.encode(Array("any:\(Fixtures.legacyToken)".utf8))
        try await TestIngest.running { ingest in
            for header in [
                ("X-Team-Token", Fixtures.legacyToken), ("x-team-token", Fixtures.legacyToken),
                ("Authorization", "Basic \(basic)"),
            ] {
                let answer = try await ingest.publicPort.send(
                    "POST", "/pagerduty/acme",
                    [("Content-Type", "application/json; charset=UTF-8"), header], body: body)
                XCTAssertEqual(answer.status, 202, "\(header)")
                XCTAssertEqual(answer.body, #"{"events":2}"#)
            }
            XCTAssertEqual(
                ingest.store.events.map(\.kind), [.incident(.triggered), .incident(.custom)])
        }
    }

    func testTheApexPackageProvesItselfBySignatureOrToken() async throws {
        let body = Array(#"{"old":null}"#.utf8)
        let now = Fixtures.now.seconds
        // Made by another implementation over "1938000000." and the body.
        let signature = "v1=f4c95d44044c8b50f12038a71dbbba584945b773a41d551699281ef5a578e2cd"
        XCTAssertEqual(now, 1_938_000_000)
        func signed(at seconds: Int64) -> RawHTTP.Fields {
            let message = Array("\(seconds).".utf8) + body
            return [
                ("X-Liaison-Timestamp", "\(seconds)"),
                ("X-Liaison-Signature", Fixtures.signature(message, by: Fixtures.apexSecret)),
            ]
        }
        try await TestIngest.running { ingest in
            for headers in [
                [("X-Liaison-Timestamp", "\(now)"), ("X-Liaison-Signature", signature)],
                signed(at: now - 300), signed(at: now + 300),
                [("X-Liaison-Token", Fixtures.apexToken)],
                [("Authorization", "Bearer \(Fixtures.apexToken)")],
            ] {
                let answer = try await ingest.publicPort.send(
                    "POST", "/salesforce/acme", [("Content-Type", "application/json")] + headers,
                    body: body)
                XCTAssertEqual(answer.status, 202, "\(headers)")
            }
        }
    }

    func testAChunkOfTwoHundredRecordsIsOneCommit() async throws {
        let states = (1...200).map { number in
            let id = "5000000000\(String("00000\(number)".suffix(5)))AAA"
            return #""\#(id)":{"attributes":{"type":"Case"},"Id":"\#(id)","Subject":"s\#(number)"}"#
        }
        let map = "{\(states.joined(separator: ","))}"
        try await TestIngest.running { ingest in
            let body = "{\"old\":null,\"new\":\(map),\"isInsert\":true,\"transactionId\":\"t1\"}"
            let answer = try await ingest.deliverApex(body)
            XCTAssertEqual(answer.body, #"{"events":200}"#)
            XCTAssertEqual(ingest.store.batches, [200])
            // The same as the guide's launcher passes it: texts.
            let text = JSON.string(map).text
            let again = try await ingest.deliverApex(
                #"{"old":"null","new":\#(text),"isInsert":true,"transactionId":"t1"}"#)
            XCTAssertEqual(again.body, answer.body)
            XCTAssertEqual(ingest.store.events.count, 200)
        }
    }

    func testAnOutboundMessageOfAHundredNotificationsIsAcknowledgedAfterOneCommit() async throws {
        let message = Fixtures.outboundMessage(notifications: (1...100).map(Fixtures.notification))
        try await TestIngest.running { ingest in
            let answer = try await ingest.deliverOutbound(message)
            XCTAssertEqual(answer.status, 200)
            XCTAssertEqual(answer.header("Content-Type"), "text/xml; charset=utf-8")
            XCTAssertTrue(answer.body.contains("<Ack>true</Ack>"))
            XCTAssertEqual(ingest.store.batches, [100])
            let event = try XCTUnwrap(ingest.store.events.first)
            XCTAssertEqual(event.kind, .record(.updated))
            XCTAssertEqual(event.id, "04l000000000001AAA")
            XCTAssertEqual(
                try JSON(parsing: event.payload),
                [
                    "object": "Case", "organizationId": .string(Fixtures.organization),
                    "new": ["Id": "500000000000001", "Subject": "A <b> & c", "Origin": nil],
                ])
        }
    }

    func testOutboundMessagesOfEveryShapeAreAcknowledged() async throws {
        let prefixed = """
            <?xml version='1.0'?><a:Envelope xmlns:a="http://schemas.xmlsoap.org/soap/envelope/" \
            xmlns:o="http://soap.sforce.com/2005/09/outbound" \
            xmlns:t="http://www.w3.org/2001/XMLSchema-instance"><a:Body><o:notifications>\
            <o:OrganizationId>\(Fixtures.organization)EAA</o:OrganizationId><o:Notification>\
            <o:Id>04l00000000000P</o:Id><o:sObject t:type="z:Pump__c" xmlns:z="u">\
            <z:Id>a0000000000000P</z:Id><z:Place__c><z:latitude>1.5</z:latitude></z:Place__c>\
            <z:Note__c><![CDATA[<x>]]></z:Note__c></o:sObject></o:Notification></o:notifications>\
            </a:Body></a:Envelope>
            """
        let deleted = "<Notification><Id>04l00000000000D</Id></Notification>"
        let nilled = "<Notification><Id>04l00000000000E</Id><sObject i:nil='true'/></Notification>"
        try await TestIngest.running { ingest in
            for (message, count) in [
                (Array(prefixed.utf8), 1), ([0xEF, 0xBB, 0xBF] + Array(prefixed.utf8), 1),
                (Fixtures.outboundMessage(notifications: []), 1),
                (Fixtures.outboundMessage(notifications: [deleted, nilled]), 3),
            ] {
                let answer = try await ingest.deliverOutbound(message)
                XCTAssertEqual(answer.status, 200, answer.body)
                XCTAssertEqual(ingest.store.events.count, count)
            }
            let events = ingest.store.events
            XCTAssertEqual(
                try JSON(parsing: events[0].payload)["new"],
                [
                    "Id": "a0000000000000P", "Place__c.latitude": "1.5", "Note__c": "<x>",
                ])
            XCTAssertEqual(events[1].kind, .unknown("record.deleted"))
            XCTAssertEqual(events[2].kind, .unknown("record.deleted"))
        }
    }

    func testTheOtherVendorsPublishedMessageIsReadWhereItIsAtHand() async throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent(
                "../../../shared/fixtures/salesforce/08-outbound-message/OutboundMessage1.xml")
        guard let message = try? Data(contentsOf: file) else { return }
        var connection = Fixtures.connection()
        connection.salesforce?.organizationID = RecordID("0123456789ABCDE")
        try await TestIngest.running(FakeIngestStore([connection])) { ingest in
            let answer = try await ingest.deliverOutbound(Array(message))
            XCTAssertEqual(answer.status, 200, answer.body)
            XCTAssertEqual(ingest.store.events.count, 3)
        }
    }
}
