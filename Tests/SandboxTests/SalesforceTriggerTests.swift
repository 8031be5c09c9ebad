import Crypto
import JSON
import XCTest

@testable import Sandbox

final class SalesforceTriggerTests: XCTestCase {
    private var sandbox = DirectSandbox()

    override func setUp() {
        sandbox = DirectSandbox()
        sandbox.control(
            "POST", "/_sandbox/salesforce/apex",
            ["url": "http://ingest/salesforce/main", "secret": "s3cret"])
    }

    private func act(_ wish: JSON, line: UInt = #line) -> JSON {
        let answer = sandbox.control("POST", "/_sandbox/salesforce/act", wish)
        XCTAssertEqual(answer.status, 200, "\(answer.body)", line: line)
        return answer.body["id"] ?? .null
    }

    private func create(_ fields: JSON, as user: String = "mira@sandbox.example") -> JSON {
        act(["do": "create", "object": "Case", "as": .string(user), "fields": fields])
    }

    func testInsertAndUpdate() throws {
        let id = create(["Subject": "Down", "Description": "line\r\n\"two\""])
        let inserted = try XCTUnwrap(sandbox.deliver().first).json
        XCTAssertEqual(
            inserted.object?.keys,
            ["object", "old", "new", "isInsert", "userId", "organizationId", "transactionId"])
        XCTAssertEqual(inserted["old"], .null)
        XCTAssertEqual(inserted["isInsert"], true)
        XCTAssertEqual(inserted["userId"], "005bX0000000001QAA")
        XCTAssertEqual(inserted["organizationId"], "00DbX0000000001UAA")
        let record = try XCTUnwrap(inserted["new"]?[id.string ?? ""])
        XCTAssertEqual(record["attributes"]?["type"], "Case")
        XCTAssertEqual(record["Subject"], "Down")
        XCTAssertNil(record["Reason"], "nulls are left out")

        let update: JSON = [
            "do": "update", "object": "Case", "id": id,
            "fields": ["Status": "Working", "Subject": .null],
        ]
        _ = act(update)
        let updated = try XCTUnwrap(sandbox.deliver().first).json
        XCTAssertEqual(updated["isInsert"], false)
        XCTAssertEqual(updated["old"]?[id.string ?? ""]?["Status"], "New")
        XCTAssertEqual(updated["new"]?[id.string ?? ""]?["Status"], "Working")
        XCTAssertEqual(updated["new"]?[id.string ?? ""]?["Subject"], .null, "just set to null")
        XCTAssertNotEqual(updated["transactionId"], inserted["transactionId"])
        _ = act(["do": "update", "object": "Case", "id": id, "fields": ["Origin": "Web"]])
        XCTAssertNil(sandbox.deliver()[0].json["new"]?[id.string ?? ""]?["Subject"])
    }

    func testSignatureIsMadeWhenSending() throws {
        _ = create([:])
        let first = sandbox.deliver(503)[0].request
        sandbox.advance(61)
        let second = sandbox.deliver()[0].request
        for request in [first, second] {
            let time = try XCTUnwrap(request.headers["X-Liaison-Timestamp"])
            let code = HMACSHA256.authenticationCode(
                key: Array("s3cret".utf8), message: Array("\(time).".utf8) + request.body)
            XCTAssertEqual(request.headers["X-Liaison-Signature"], "v1=\(Hex.encode(code))")
        }
        XCTAssertNotEqual(
            first.headers["X-Liaison-Timestamp"], second.headers["X-Liaison-Timestamp"])
        XCTAssertEqual(first.body, second.body)
    }

    func testTokenInsteadOfSignatureAndSomeObjectsOnly() {
        sandbox.control("DELETE", "/_sandbox/salesforce/targets")
        sandbox.control(
            "POST", "/_sandbox/salesforce/apex",
            ["url": "http://h/", "token": "t0ken", "objects": ["Outage__c"]])
        _ = create([:])
        XCTAssertEqual(sandbox.deliver().count, 0)
        _ = act(["do": "create", "object": "Outage__c", "fields": ["Name": "x"]])
        let request = sandbox.deliver().first?.request
        XCTAssertEqual(request?.headers["Authorization"], "Bearer t0ken")
        XCTAssertNil(request?.headers["X-Liaison-Signature"])
    }

    func testTheIntegrationUsersWritesFireToo() {
        sandbox.salesforce("POST", "/sobjects/Case", ["Subject": "ours", "Comments": "hello"])
        let sent = sandbox.deliver().map(\.json)
        XCTAssertEqual(sent.map { $0["object"] }, ["Case", "CaseComment"])
        XCTAssertEqual(sent[0]["userId"], "005bX0000000003QAA")
        XCTAssertEqual(sent[0]["transactionId"], sent[1]["transactionId"])
    }

    func testChunksOf200() {
        let records = JSON.array(Array(repeating: ["Subject": "x"], count: 450))
        _ = act(["do": "create", "object": "Case", "records": records])
        let sizes = sandbox.deliver().map { $0.json["new"]?.object?.count ?? 0 }
        XCTAssertEqual(sizes, [200, 200, 50])
    }

    func testARefusedWriteFiresNothing() {
        sandbox.salesforce("POST", "/sobjects/Case", ["Nope": 1])
        let contact: JSON = ["attributes": ["type": "Contact"]]
        sandbox.salesforce(
            "POST", "/composite/sobjects",
            [
                "allOrNone": true,
                "records": [contact.with(["LastName": "A"]), contact],
            ])
        XCTAssertEqual(sandbox.deliver().count, 0)
        let id = create([:])
        _ = sandbox.deliver()
        _ = act(["do": "delete", "object": "Case", "id": id])
        XCTAssertEqual(sandbox.deliver().count, 0, "no trigger on delete")
    }

    func testDeliveryGivesUpOnlyOnRefusal() {
        _ = create([:])
        _ = sandbox.deliver(503)
        XCTAssertFalse(sandbox.state.outbox.isEmpty)
        sandbox.advance(1)
        _ = sandbox.deliver(401)
        XCTAssertTrue(sandbox.state.outbox.isEmpty)
    }

    private let acknowledgement = """
        <soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>
        <notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>
        </notificationsResponse></soapenv:Body></soapenv:Envelope>
        """

    private func subscribe() {
        sandbox.control("DELETE", "/_sandbox/salesforce/targets")
        sandbox.control(
            "POST", "/_sandbox/salesforce/outbound",
            [
                "url": "http://ingest/salesforce/main/outbound/t", "object": "Case",
                "fields": ["Subject", "Reason", "CreatedDate", "IsClosed"],
            ])
    }

    func testOutboundMessage() throws {
        subscribe()
        let id = create(["Subject": "a < b & \"c\""]).string ?? ""
        let request = try XCTUnwrap(sandbox.deliver(200, body: acknowledgement).first)
        XCTAssertTrue(sandbox.state.outbox.isEmpty)
        XCTAssertEqual(request.request.headers["Content-Type"], "text/xml; charset=utf-8")
        for part in [
            "<OrganizationId>00DbX0000000001UAA</OrganizationId>", "<SessionId xsi:nil=\"true\"/>",
            "<Id>04l", "xsi:type=\"sf:Case\"", "<sf:Id>\(id)</sf:Id>",
            "<sf:Subject>a &lt; b &amp; &quot;c&quot;</sf:Subject>",
            "<sf:CreatedDate>2026-03-02T09:15:04.000Z</sf:CreatedDate>",
            "<sf:IsClosed>false</sf:IsClosed>",
        ] {
            XCTAssertTrue(request.text.contains(part), "\(part) in \(request.text)")
        }
        XCTAssertFalse(request.text.contains("Reason"))
    }

    func testOnlyATrueAckEndsIt() {
        subscribe()
        _ = create(["Subject": "first"])
        for (status, body) in [
            (200, ""), (200, acknowledgement.replacing("true", with: "false")), (404, ""),
            (500, acknowledgement),
        ] {
            XCTAssertEqual(sandbox.deliver(status, body: body).count, 1)
            sandbox.advance(60)
        }
        _ = act([
            "do": "update", "object": "Case", "id": "500bX0000000001",
            "fields": ["Subject": "second"],
        ])
        let sent = sandbox.deliver(200, body: acknowledgement)
        XCTAssertEqual(sent.count, 2)
        XCTAssertTrue(
            sent.allSatisfy { $0.text.contains("<sf:Subject>second</sf:Subject>") },
            "the state of the moment of sending")
    }

    func testHundredNotificationsAMessage() {
        subscribe()
        let records = JSON.array(Array(repeating: ["Subject": "x"], count: 250))
        _ = act(["do": "create", "object": "Case", "records": records])
        let counts = sandbox.deliver().map {
            $0.text.components(separatedBy: "<Notification>").count
        }
        XCTAssertEqual(counts, [101, 101, 51])
    }
}
