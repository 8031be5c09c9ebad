import Automation
import JSON
import Models
import XCTest

final class SalesforceNormalisationTests: XCTestCase {
    private static let id = "500TT00000AbCdEQAV"

    func testAnInsertAndAnUpdateAreEvents() throws {
        let inserted = apex(old: nil, new: ["Subject": "s"], isInsert: true)
        XCTAssertEqual(inserted.event.kind, .record(.created))
        XCTAssertEqual(
            try JSON(parsing: inserted.event.payload),
            [
                "object": "Case", "old": nil, "new": ["Id": .string(Self.id), "Subject": "s"],
                "isInsert": true, "userId": "005u", "transactionId": "t1",
            ])
        let updated = apex(old: ["Subject": "r"], new: ["Subject": "s"])
        XCTAssertEqual(updated.event.kind, .record(.updated))
        XCTAssertEqual(updated.event.lane, .record(try XCTUnwrap(RecordID(Self.id))))
        XCTAssertEqual(updated.event.source, .salesforce)
        XCTAssertEqual(updated.event.format, .apexTrigger)
    }

    func testTheLaneIsTheRecordInEitherForm() {
        let long = apex(record: Self.id, old: nil, new: [:])
        let short = apex(record: String(Self.id.prefix(15)), old: nil, new: [:])
        let other = apex(record: Self.id.lowercased(), old: nil, new: [:])
        XCTAssertEqual(long.event.lane, short.event.lane)
        XCTAssertNotEqual(long.event.lane, other.event.lane)
    }

    func testACommentGoesInTheLaneOfItsCase() throws {
        let comment = Normalisation.test.apex(
            ApexChange(
                old: nil,
                new: [
                    "attributes": ["type": "casecomment"], "Id": "00aTT00000AbCdEQAV",
                    "ParentId": .string(Self.id),
                ], isInsert: true, userID: nil, transactionID: "t1"))
        XCTAssertEqual(comment.event.lane, .record(try XCTUnwrap(RecordID(Self.id))))
    }

    func testTheTimeIsTheRecordsOrElseThatOfTheReceipt() {
        let modified = apex(old: nil, new: ["LastModifiedDate": "2026-03-02T09:20:41.000+0000"])
        XCTAssertEqual(modified.event.occurredAt, Timestamp("2026-03-02T09:20:41Z"))
        XCTAssertEqual(apex(old: nil, new: [:]).event.occurredAt, Normalisation.test.receivedAt)
    }

    func testTheSameChangeOfOneTransactionIsOneEvent() {
        let once = apex(old: ["Status": "New"], new: ["Status": "Working"])
        sameKey(once, apex(old: ["Status": "New"], new: ["Status": "Working"]))
        // Absent equals null, and what did not change does not count.
        sameKey(once, apex(old: ["Status": "New", "X": nil], new: ["Status": "Working"]))
        sameKey(once, apex(old: ["Status": "New", "Y": 1], new: ["Status": "Working", "Y": 1.0]))
        // A trigger that fires again within the save, with other changes, is another event.
        otherKey(once, apex(old: ["Status": "Working"], new: ["Status": "Escalated"]))
        otherKey(once, apex(old: ["Status": "Working"], new: ["Status": "New"]))
        otherKey(once, apex(old: ["Status": "New"], new: ["Status": "Working"], transaction: "t2"))
        otherKey(
            once,
            apex(record: "500TT00000AbCdFQAV", old: ["Status": "New"], new: ["Status": "Working"]))
    }

    /// Each row is sent twice; the second may differ in one thing.
    func testARepetitionIsToldFromASecondChange() {
        let (saved, later) = ("2026-03-02T09:20:41.000+0000", "2026-03-02T09:20:42.000+0000")
        func check(
            _ one: (transaction: String?, saved: String?, sent: String?),
            _ other: (transaction: String?, saved: String?, sent: String?), isSame: Bool,
            line: UInt = #line
        ) {
            let events = zip([one, other], [Normalisation.test, .later]).map {
                told, normalisation in
                var new: JSONObject = ["Status": "Working"]
                new["LastModifiedDate"] = told.saved.map(JSON.string)
                return apex(
                    old: ["Status": "New"], new: new, transaction: told.transaction,
                    sentAt: told.sent, at: normalisation)
            }
            (isSame ? sameKey : otherKey)(events[0], events[1], line)
        }
        check(("t1", nil, "1"), ("t1", nil, "2"), isSame: true)
        check(("t1", saved, nil), ("t1", saved, "2"), isSame: true)
        check(("t1", saved, "1"), ("t1", later, "1"), isSame: false)
        check(("t1", saved, "1"), ("t2", saved, "1"), isSame: false)
        check((nil, saved, "1"), (nil, saved, "1"), isSame: true)
        check((nil, saved, "1"), (nil, saved, "2"), isSame: false)
        check((nil, saved, "1"), (nil, later, "1"), isSame: false)
        check((nil, nil, "1"), (nil, nil, "1"), isSame: true)
        check((nil, nil, "1"), (nil, nil, "2"), isSame: false)
        check((nil, saved, nil), (nil, saved, nil), isSame: true)
        check((nil, saved, nil), (nil, later, nil), isSame: false)
        check((nil, nil, nil), (nil, nil, nil), isSame: false)
        check((nil, "", nil), (nil, "", nil), isSame: false)
    }

    func testAChangeWithoutARecordGoesToTheConnectionsLane() {
        for record in ["", "short", "500TT00000AbCd!", String(repeating: "5", count: 16)] {
            let new = apex(record: record, old: nil, new: [:], isInsert: true)
            XCTAssertEqual(new.event.kind, .unknown("salesforce.no_record"), record)
            XCTAssertEqual(new.event.lane, .connection, record)
        }
        let untyped = ApexChange(old: nil, new: ["Id": .string(Self.id)], isInsert: true)
        XCTAssertEqual(
            Normalisation.test.apex(untyped).event.kind, .unknown("salesforce.no_record"))
    }

    func testADeletedRecordIsLoggedButNoChange() {
        let deleted = ApexChange(old: state(["A": 1]), new: nil, isInsert: false)
        XCTAssertEqual(Normalisation.test.apex(deleted).event.kind, .unknown("record.deleted"))
        XCTAssertEqual(EventKind(rawValue: "record.deleted"), .unknown("record.deleted"))
    }

    func testANotificationIsAnUpdateWithoutAnOldState() throws {
        let new = outbound(fields: ["Id": .string(Self.id), "Status": "New"])
        XCTAssertEqual(new.event.kind, .record(.updated))
        XCTAssertEqual(new.event.id, "04l000000000001AAA")
        XCTAssertEqual(new.deduplicationKey, "outboundMessage:04l000000000001AAA")
        XCTAssertEqual(new.event.lane, .record(try XCTUnwrap(RecordID(Self.id))))
        XCTAssertEqual(
            try JSON(parsing: new.event.payload),
            [
                "object": "Case", "new": ["Id": .string(Self.id), "Status": "New"],
                "organizationId": "00D000000000TST",
            ])
    }

    func testANotificationWithoutARecordIsOfAnUnknownKind() {
        XCTAssertEqual(outbound(fields: nil).event.kind, .unknown("record.deleted"))
        XCTAssertEqual(outbound(fields: [:]).event.kind, .unknown("salesforce.no_record"))
        XCTAssertEqual(
            outbound(object: nil, fields: ["Id": .string(Self.id)]).event.kind,
            .unknown("salesforce.no_record"))
        let nameless = outbound(id: "a b", fields: ["Id": .string(Self.id)])
        XCTAssertTrue(nameless.event.id.rawValue.hasPrefix("sha256-"))
    }

    private func apex(
        record: String = id, old: JSONObject?, new: JSONObject, isInsert: Bool = false,
        transaction: String? = "t1", sentAt: String? = nil, at normalisation: Normalisation = .test
    ) -> NewEvent {
        normalisation.apex(
            ApexChange(
                old: old.map { state($0, of: record) }, new: state(new, of: record),
                isInsert: isInsert, userID: "005u", transactionID: transaction, sentAt: sentAt))
    }

    private func state(_ fields: JSONObject, of record: String = id) -> JSONObject {
        var state: JSONObject = ["attributes": ["type": "Case"], "Id": .string(record)]
        for member in fields.members { state[member.key] = member.value }
        return state
    }

    private func outbound(
        id: String? = "04l000000000001AAA", object: String? = "Case", fields: JSONObject?
    ) -> NewEvent {
        Normalisation.test.outbound(
            OutboundNotification(
                id: id, organizationID: "00D000000000TST", object: object, fields: fields))
    }

    private func sameKey(_ one: NewEvent, _ other: NewEvent, _ line: UInt = #line) {
        XCTAssertEqual(one.deduplicationKey, other.deduplicationKey, line: line)
    }

    private func otherKey(_ one: NewEvent, _ other: NewEvent, _ line: UInt = #line) {
        XCTAssertNotEqual(one.deduplicationKey, other.deduplicationKey, line: line)
    }
}
