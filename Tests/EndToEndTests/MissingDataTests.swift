import JSON
import Models
import Store
import XCTest

/// Rules and links that name fields, records and incidents that are missing or hidden from our
/// user. Other rules are not affected.
final class MissingDataTests: XCTestCase {
    /// The field is misspelt, or our user may not see it.
    func testAFieldThatCannotBeReadStopsNoOtherRule() async throws {
        let rules = [
            Rules.onIncident(
                "typo",
                when: Rules.all(
                    Rules.event("escalate"),
                    Rules.condition("record.Typo__c", "notEquals", "x")), Rules.comment("Never.")),
            Rules.onIncident(
                "good",
                when: Rules.all(
                    Rules.event("escalate"),
                    Rules.condition("record.Subject", "equals", "Cannot pay")),
                Rules.comment("Told.")),
            Rules.onIncident(
                "null", when: Rules.event("escalate"), Rules.set("Reason", "{{record.Typo__c}}")),
        ]
        try await Rig.working(for: self, .init(rules: rules)) { rig in
            let (incident, id) = try await rig.linked(
                "Case", ["Subject": "Cannot pay", "Reason": "Performance"])
            for number in 1...3 { try await rig.append(incident, number) }
            try await rig.untilQuiet()
            let comments = await rig.comments(on: id)
            XCTAssertEqual(comments, ["Told.", "Told.", "Told."])
            let reason = try await rig.record("Case", id)["Reason"]
            XCTAssertEqual(reason, "Performance")
            let outcomes = try await rig.outcomes("incident.escalated")
            XCTAssertEqual(Set(outcomes), ["failed: template.unreadable"])
            let refused = rig.sandbox.calls.filter { $0.status == 400 }
            XCTAssertEqual(refused.count, 2, "it is remembered then")
        }
    }

    /// One linked record is deleted, and the other shows that the field cannot be read.
    func testAFieldIsFoundUnreadableBesideADeletedRecord() async throws {
        let rules = ["Typo__c", "Subject"].map { field in
            Rules.onIncident(
                field.lowercased(),
                when: Rules.all(
                    Rules.event("escalate"),
                    Rules.condition("record.\(field)", "equals", "Cannot pay")),
                Rules.comment("Told."))
        }
        try await Rig.working(for: self, .init(rules: rules)) { rig in
            let (incident, first) = try await rig.linked()
            let second = try await rig.create("Case", ["Subject": "Cannot pay"])
            try await rig.link(incident, second)
            await rig.tell(
                "/_sandbox/salesforce/act",
                ["do": "delete", "object": "Case", "id": .string(first.long)])
            try await rig.append(incident, 1)
            try await rig.untilQuiet()
            let comments = await rig.comments(on: second)
            XCTAssertEqual(comments, ["Told."])
            let outcomes = try await rig.outcomes("incident.escalated")
            XCTAssertEqual(outcomes, ["applied"])
        }
    }

    func testAFieldStaysReadableWhenOneRecordIsRefused() async throws {
        let rule = Rules.onIncident(
            "good",
            when: Rules.all(
                Rules.event("escalate"),
                Rules.condition("record.Subject", "notEquals", "x")), Rules.comment("Told."))
        try await Rig.working(for: self, .init(rules: [rule])) { rig in
            let (refused, hidden) = try await rig.linked()
            let (incident, id) = try await rig.linked()
            await rig.injectFault([
                "vendor": "salesforce", "fault": "status", "status": 403, "method": "GET",
                "path": .string("*\(hidden.long)*"),
            ])
            try await rig.append(refused, 1)
            try await rig.untilQuiet()
            try await rig.append(incident, 2)
            try await rig.untilQuiet()
            let comments = await rig.comments(on: id)
            XCTAssertEqual(comments, ["Told."])
            let failed = try await rig.outcomes("incident.escalated").filter {
                $0.hasPrefix("failed")
            }
            XCTAssertEqual(failed.count, 1)
        }
    }

    /// A field may refer to a deleted record.
    func testALinkOutlivesADeletedRecordThatAFieldRefersTo() async throws {
        let rule = Rules.onIncident(
            "refer", when: Rules.event("escalate"), Rules.set("Reason", "Other"))
        try await Rig.working(for: self, .init(rules: [rule])) { rig in
            let (incident, id) = try await rig.linked()
            await rig.injectFault([
                "vendor": "salesforce", "fault": "status", "status": 400, "method": "PATCH",
                "body": [
                    [
                        "errorCode": "ENTITY_IS_DELETED", "message": "entity is deleted",
                        "fields": ["AccountId"],
                    ]
                ],
            ])
            try await rig.append(incident, 1)
            try await rig.untilQuiet()
            let outcomes = try await rig.outcomes("incident.escalated")
            XCTAssertEqual(outcomes, ["failed: ENTITY_IS_DELETED"])
            let links = try await rig.store.links(records: [id], in: Rig.connection)
            XCTAssertEqual(links.count, 1)
        }
    }

    /// No rule is judged on a deleted record. The first write that is refused ends its link.
    func testADeletedRecordFailsNoLaterEvent() async throws {
        let rules = [
            Rules.onIncident(
                "open",
                when: Rules.all(
                    Rules.event("escalate"),
                    Rules.condition("record.Status", "notEquals", "Closed")),
                Rules.set("Priority", "High")),
            Rules.onIncident("show", when: Rules.event("delegate"), Rules.set("Priority", "Low")),
        ]
        try await Rig.working(for: self, .init(rules: rules)) { rig in
            let (incident, id) = try await rig.linked()
            await rig.tell(
                "/_sandbox/salesforce/act",
                ["do": "delete", "object": "Case", "id": .string(id.long)])
            try await rig.append(incident, 1)
            try await rig.append(incident, 2, .delegated)
            try await rig.untilQuiet()
            try await rig.append(incident, 3, .delegated)
            try await rig.untilQuiet()
            let outcomes = [
                try await rig.outcomes("incident.escalated"),
                try await rig.outcomes("incident.delegated"),
            ]
            XCTAssertEqual(outcomes, [["unmatched"], ["failed: ENTITY_IS_DELETED", "applied"]])
        }
    }

    /// A link may outlive its incident, for example when the account was replaced.
    func testALinkToAMissingIncidentDoesNotKeepACaseFromPaging() async throws {
        try await Rig.working(for: self, .init(rules: [Rules.mainJob[0]])) { rig in
            let id = try await rig.create("Case", ["Subject": "Cannot pay"])
            try await rig.link("QGONE00000001", id)
            await rig.update("Case", id, ["Priority": "High"])
            try await rig.untilQuiet()
            let titles = await rig.incidents().map { $0["title"] }
            XCTAssertEqual(titles, ["Case: Cannot pay"])
        }
    }
}
