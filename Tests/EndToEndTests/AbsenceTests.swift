import JSON
import Models
import Store
import XCTest

/// What rules and links name and what is not there, or is not shown to us: fields, records,
/// incidents. It costs no other rule its turn.
final class AbsenceTests: XCTestCase {
    /// A misspelt field, or one that our user may not see.
    func testAFieldThatCannotBeReadKeepsNoOtherRuleBack() async throws {
        let rules = [
            Rules.onIncident(
                "typo",
                when: [
                    "all": [
                        Rules.event("escalate"),
                        Rules.condition("record.Typo__c", "notEquals", "x"),
                    ]
                ], Rules.comment("Never.")),
            Rules.onIncident(
                "good",
                when: [
                    "all": [
                        Rules.event("escalate"),
                        Rules.condition("record.Subject", "equals", "Cannot pay"),
                    ]
                ], Rules.comment("Told.")),
            Rules.onIncident(
                "null", when: Rules.event("escalate"), Rules.set("Reason", "{{record.Typo__c}}")),
        ]
        try await Bridge.atWork(for: self, .init(rules: rules)) { bridge in
            let (incident, id) = try await bridge.linked(
                "Case", ["Subject": "Cannot pay", "Reason": "Performance"])
            for number in 1...3 { try await bridge.append(incident, number) }
            try await bridge.quiet()
            let comments = await bridge.comments(on: id)
            XCTAssertEqual(comments, ["Told.", "Told.", "Told."])
            let reason = try await bridge.record("Case", id)["Reason"]
            XCTAssertEqual(reason, "Performance")
            let outcomes = try await bridge.outcomes("incident.escalated")
            XCTAssertEqual(Set(outcomes), ["failed: template.unreadable"])
            let refused = bridge.sandbox.calls.filter { $0.status == 400 }
            XCTAssertEqual(refused.count, 2, "it is known then")
        }
    }

    /// A record that is gone says nothing of the field either.
    func testAFieldIsFoundUnreadableBesideARecordThatIsDeleted() async throws {
        let rules = ["Typo__c", "Subject"].map { field in
            Rules.onIncident(
                field.lowercased(),
                when: [
                    "all": [
                        Rules.event("escalate"),
                        Rules.condition("record.\(field)", "equals", "Cannot pay"),
                    ]
                ], Rules.comment("Told."))
        }
        try await Bridge.atWork(for: self, .init(rules: rules)) { bridge in
            let (incident, first) = try await bridge.linked()
            let second = try await bridge.create("Case", ["Subject": "Cannot pay"])
            try await bridge.link(incident, second)
            await bridge.tell(
                "/_sandbox/salesforce/act",
                ["do": "delete", "object": "Case", "id": .string(first.long)])
            try await bridge.append(incident, 1)
            try await bridge.quiet()
            let comments = await bridge.comments(on: second)
            XCTAssertEqual(comments, ["Told."])
            let outcomes = try await bridge.outcomes("incident.escalated")
            XCTAssertEqual(outcomes, ["applied"])
        }
    }

    /// What one record refuses says nothing of the field.
    func testARecordThatRefusesIsNoFieldThatCannotBeRead() async throws {
        let rule = Rules.onIncident(
            "good",
            when: [
                "all": [
                    Rules.event("escalate"),
                    Rules.condition("record.Subject", "notEquals", "x"),
                ]
            ], Rules.comment("Told."))
        try await Bridge.atWork(for: self, .init(rules: [rule])) { bridge in
            let (refused, hidden) = try await bridge.linked()
            let (incident, id) = try await bridge.linked()
            await bridge.order([
                "vendor": "salesforce", "fault": "status", "status": 403, "method": "GET",
                "path": .string("*\(hidden.long)*"),
            ])
            try await bridge.append(refused, 1)
            try await bridge.quiet()
            try await bridge.append(incident, 2)
            try await bridge.quiet()
            let comments = await bridge.comments(on: id)
            XCTAssertEqual(comments, ["Told."])
            let failed = try await bridge.outcomes("incident.escalated").filter {
                $0.hasPrefix("failed")
            }
            XCTAssertEqual(failed.count, 1)
        }
    }

    /// A field may refer to one that is deleted.
    func testALinkOutlivesADeletedRecordThatAFieldNames() async throws {
        let rule = Rules.onIncident(
            "refer", when: Rules.event("escalate"), Rules.set("Reason", "Other"))
        try await Bridge.atWork(for: self, .init(rules: [rule])) { bridge in
            let (incident, id) = try await bridge.linked()
            await bridge.order([
                "vendor": "salesforce", "fault": "status", "status": 400, "method": "PATCH",
                "body": [
                    [
                        "errorCode": "ENTITY_IS_DELETED", "message": "entity is deleted",
                        "fields": ["AccountId"],
                    ]
                ],
            ])
            try await bridge.append(incident, 1)
            try await bridge.quiet()
            let outcomes = try await bridge.outcomes("incident.escalated")
            XCTAssertEqual(outcomes, ["failed: ENTITY_IS_DELETED"])
            let links = try await bridge.store.links(records: [id], in: Bridge.connection)
            XCTAssertEqual(links.count, 1)
        }
    }

    /// No rule is judged on a record that is gone; the link goes with the first write that tells.
    func testARecordThatIsDeletedFailsNoLaterEvent() async throws {
        let rules = [
            Rules.onIncident(
                "open",
                when: [
                    "all": [
                        Rules.event("escalate"),
                        Rules.condition("record.Status", "notEquals", "Closed"),
                    ]
                ], Rules.set("Priority", "High")),
            Rules.onIncident("show", when: Rules.event("delegate"), Rules.set("Priority", "Low")),
        ]
        try await Bridge.atWork(for: self, .init(rules: rules)) { bridge in
            let (incident, id) = try await bridge.linked()
            await bridge.tell(
                "/_sandbox/salesforce/act",
                ["do": "delete", "object": "Case", "id": .string(id.long)])
            try await bridge.append(incident, 1)
            try await bridge.append(incident, 2, .delegated)
            try await bridge.quiet()
            try await bridge.append(incident, 3, .delegated)
            try await bridge.quiet()
            let outcomes = [
                try await bridge.outcomes("incident.escalated"),
                try await bridge.outcomes("incident.delegated"),
            ]
            XCTAssertEqual(outcomes, [["unmatched"], ["failed: ENTITY_IS_DELETED", "applied"]])
        }
    }

    /// The account was exchanged, or its data: links outlive their incidents.
    func testAnIncidentThatIsGoneDoesNotKeepACaseFromPaging() async throws {
        try await Bridge.atWork(for: self, .init(rules: [Rules.mainJob[0]])) { bridge in
            let id = try await bridge.create("Case", ["Subject": "Cannot pay"])
            try await bridge.link("QGONE00000001", id)
            await bridge.update("Case", id, ["Priority": "High"])
            try await bridge.quiet()
            let titles = await bridge.incidents().map { $0["title"] }
            XCTAssertEqual(titles, ["Case: Cannot pay"])
        }
    }
}
