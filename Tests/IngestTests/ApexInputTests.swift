import Automation
import JSON
import Models
import XCTest

@testable import Ingest

/// The events made of an Apex call's records, over real sockets.
final class ApexInputTests: XCTestCase {
    private static let id = "5000000000000A1AAA"
    private static let other = "5000000000000A2AAA"

    func testTheSameFlipInAnotherDeliveryIsAnotherEvent() async throws {
        for (transaction, time, expected) in [
            ("", "", 3), ("", "2031-05-06T07:08:09.000+0000", 3),
            // A repetition within one transaction may have a new signature.
            ("t1", "", 1), ("t1", "2031-05-06T07:08:09.000+0000", 1),
        ] {
            let body = Self.body(
                old: ["Priority": "Low"],
                new: ["Priority": "High", "LastModifiedDate": .string(time)],
                transaction: transaction)
            try await TestIngest.running { ingest in
                // The fourth has been sent before.
                for seconds: Int64 in [0, 1, 2, 1] {
                    let answer = try await ingest.deliverApex(body, sentAfter: seconds)
                    XCTAssertEqual(answer.body, #"{"events":1}"#)
                }
                XCTAssertEqual(ingest.store.events.count, expected, "\(transaction) \(time)")
            }
        }
    }

    func testARecordIsNamedByItsKeyOrItsId() async throws {
        for (key, id, isReadable) in [
            (Self.id, nil, true), (Self.id, .some(.null), true), (Self.id, .string(Self.id), true),
            (String(Self.id.prefix(15)), .string(Self.id), true),
            (Self.id, .string(Self.other), false), (Self.id, 5, false), (Self.id, "", false),
        ] as [(String, JSON?, Bool)] {
            var record: JSONObject = ["attributes": ["type": "Case"], "Priority": "High"]
            record["Id"] = id
            let map = JSON.object(JSONObject([(key, .object(record))]))
            try await TestIngest.running { ingest in
                _ = try await ingest.deliverApex(JSON.object(["old": map, "new": map]).text)
                XCTAssertEqual(ingest.store.events.count, 1)
                let event = try XCTUnwrap(ingest.store.events.first)
                let row = "\(key) \(id?.text ?? "absent")"
                if isReadable {
                    XCTAssertEqual(event.kind, .record(.updated), row)
                    let facts = try EventFacts(event).record
                    XCTAssertEqual(facts?.reference.id, RecordID(Self.id), row)
                    XCTAssertEqual(facts?.old?["Id"], facts?.new["Id"], row)
                } else {
                    XCTAssertEqual(event.kind, .unknown("salesforce.unreadable"), row)
                }
            }
        }
    }

    func testABodyWithoutAChangeStandsInTheLog() async throws {
        try await TestIngest.running { ingest in
            let bodies = [
                "{}", #"{"foo":1}"#, #"{"newMap":{}}"#, #"{"old":null,"new":null}"#,
                #"{"old":"{}","new":"[]"}"#,
            ]
            for body in bodies {
                let answer = try await ingest.deliverApex(body)
                XCTAssertEqual(answer.body, #"{"events":1}"#, body)
                let event = try XCTUnwrap(ingest.store.events.last)
                XCTAssertEqual(event.kind, .unknown("salesforce.unreadable"), body)
                XCTAssertEqual(event.payload, Array(body.utf8))
            }
            XCTAssertEqual(ingest.store.events.count, bodies.count)
        }
    }

    func testWhatIsNoRecordDoesNotHideTheOthers() async throws {
        let good = #""\#(Self.id)":{"attributes":{"type":"Case"},"Subject":"s"}"#
        let twin = #"{"attributes":{"type":"Case"},"Id":"\#(Self.id)"}"#
        for (old, new, kinds, rest) in [
            ("null", "{\(good),\"x\":5}", ["record.created"], #"{"old":null,"new":{"x":5}}"#),
            ("{\(good)}", "{\"x\":5}", ["record.deleted"], #"{"old":{},"new":{"x":5}}"#),
            // The half of a pair is no change.
            ("{\(good)}", "{\"\(Self.id)\":5}", [], nil),
            (
                "[\(twin),{}]", "[\(twin),null]", ["record.updated"],
                #"{"old":[{}],"new":[null]}"#
            ),
        ] as [(String, String, [String], String?)] {
            let body = "{\"old\":\(old),\"new\":\(new)}"
            let asTexts = JSON.object(["old": .string(old), "new": .string(new)]).text
            for body in [body, asTexts] {
                try await TestIngest.running { ingest in
                    _ = try await ingest.deliverApex(body)
                    let events = ingest.store.events
                    XCTAssertEqual(
                        events.map(\.kind.rawValue), kinds + ["salesforce.unreadable"], body)
                    if body == asTexts { return }
                    XCTAssertEqual(
                        try events.last.map { try JSON(parsing: $0.payload) },
                        try JSON(parsing: rest ?? body))
                }
            }
        }
    }

    func testALongTextOfAnyFormCanBeReadBack() async throws {
        let text = String(repeating: "a", count: 300_000)
        let body = Self.body(old: [:], new: ["Text__c": .string(text)])
        let limits = JSONLimits.accepted(bytes: body.utf8.count)
        let map = try XCTUnwrap(JSON(parsing: body.utf8, limits: limits)["new"])
        let notification = Fixtures.notification(1)
            .replacingOccurrences(of: "A &lt;b", with: text)
        try await TestIngest.running { ingest in
            _ = try await ingest.deliverApex(body)
            _ = try await ingest.deliverApex(JSON.object(["new": .string(map.text)]).text)
            _ = try await ingest.deliverOutbound(
                Fixtures.outboundMessage(notifications: [notification]))
            XCTAssertEqual(ingest.store.events.count, 3)
            for event in ingest.store.events { XCTAssertNotNil(try EventFacts(event).record) }
        }
    }

    func testTwoHundredLongRecordsBeforeAndAfterAreOneCall() async throws {
        let records = (100...299).map { number in
            let record: JSON = [
                "attributes": ["type": "Case"], "Description": .string(Self.paragraph),
            ]
            return ("500000000000\(number)AAA", record)
        }
        let map = JSON.object(JSONObject(records))
        let body = JSON.object(["old": map, "new": map])
        try await TestIngest.running { ingest in
            let answer = try await ingest.deliverApex(body.text)
            XCTAssertEqual(answer.status, 202)
            XCTAssertEqual(ingest.store.events.count, 200)
        }
    }

    func testARefusalNamesTheMember() async throws {
        try await TestIngest.running { ingest in
            for (body, member) in [
                (#"{"new":"","old":null}"#, "new"), (#"{"new":null,"old":"[1,"}"#, "old"),
            ] {
                let answer = try await ingest.deliverApex(body)
                XCTAssertEqual(answer.status, 400)
                XCTAssertTrue(answer.body.contains("The text of `\(member)`"), answer.body)
            }
        }
    }

    private static let paragraph = String(repeating: "pump ", count: 400)

    private static func body(
        old: JSONObject, new: JSONObject, transaction: String = ""
    ) -> String {
        func state(_ fields: JSONObject) -> JSON {
            var record: JSONObject = ["attributes": ["type": "Case"], "Id": .string(id)]
            for member in fields.members where member.value != "" {
                record[member.key] = member.value
            }
            return .object(JSONObject([(id, .object(record))]))
        }
        var body: JSONObject = ["old": state(old), "new": state(new), "isInsert": false]
        if !transaction.isEmpty { body["transactionId"] = .string(transaction) }
        return JSON.object(body).text
    }
}
