import JSON
import Models
import XCTest

/// Every channel that delivers events, and events that no rule can read.
final class InboundChannelTests: XCTestCase {
    func testACustomActionOfV2() async throws {
        let rule = Rules.onIncident(
            "tell", when: Rules.condition("customAction.name", "equals", "Tell the customer"),
            Rules.comment("We work on it.").with("public", true))
        try await Rig.working(for: self, .init(rules: [rule])) { rig in
            let (incident, id) = try await rig.linked()
            for name in ["Tell the customer", "Something else"] {
                let made = await rig.tell(
                    "/_sandbox/pagerduty/extensions",
                    [
                        "url": .string("\(rig.ingestURL)/pagerduty/acme"),
                        "headers": ["X-Team-Token": .string(Rig.legacyToken)],
                        "custom": true, "name": .string(name),
                    ])
                let button = made["extension"]?["id"] ?? .null
                await rig.inPagerDuty("custom_action", incident, ["extension": button])
                try await rig.untilQuiet()
            }
            let comments = await rig.records("CaseComment")
            XCTAssertEqual(comments.map { $0["CommentBody"] }, ["We work on it."])
            XCTAssertEqual(comments.map { $0["IsPublished"] }, [true])
            XCTAssertEqual(comments.map { $0["ParentId"]?.string }, [id.long])
            let outcomes = try await rig.outcomes("incident.custom")
            XCTAssertEqual(outcomes, ["applied", "unmatched"])
        }
    }

    /// The message has no old values, so that conditions on changes are false.
    func testAnOutboundMessage() async throws {
        let rules = [
            Rules.onRecord(
                "over", "Outage__c", when: Rules.condition("record.Phase__c", "equals", "Closed"),
                Rules.note("{{record.Name}} is over.")),
            Rules.onRecord(
                "changed", "Outage__c",
                when: Rules.condition("record.Phase__c", "changedTo", "Closed"),
                Rules.note("Never.")),
        ]
        try await Rig.working(for: self, .init(rules: rules)) { rig in
            await rig.listenToOutboundMessages(of: "Outage__c", ["Name", "Phase__c"])
            let (incident, id) = try await rig.linked(
                "Outage__c", ["Name": "Café <Süd> & Co"])
            await rig.update("Outage__c", id, ["Phase__c": "Closed"])
            try await rig.untilQuiet()
            let notes = await rig.notes(on: incident)
            // A message carries the state of the moment in which it goes out.
            XCTAssertEqual(notes.last, "Café <Süd> & Co is over.")
            XCTAssertFalse(notes.contains("Never."))
        }
    }

    func testAFieldThatAnOutboundMessageLeavesOutIsRead() async throws {
        let rules = [
            Rules.onRecord(
                "minor", "Outage__c",
                when: Rules.condition("record.PagerDuty_Priority__c", "notEquals", "P1"),
                Rules.note("{{record.Name}} is {{record.PagerDuty_Priority__c}}.")),
            Rules.onRecord(
                "none", "Outage__c",
                when: Rules.condition("record.PagerDuty_Priority__c", "isNull"),
                Rules.note("{{record.Name}} has none.")),
        ]
        try await Rig.working(for: self, .init(rules: rules)) { rig in
            await rig.listenToOutboundMessages(of: "Outage__c", ["Name"])
            for (priority, notes) in [
                ("P1", []), ("P2", ["Shop is P2."]), (nil, ["Shop is .", "Shop has none."]),
            ] as [(String?, [String])] {
                let id = try await rig.create(
                    "Outage__c",
                    [
                        "Name": "Shop",
                        "PagerDuty_Priority__c": priority.map(JSON.string) ?? .null,
                    ])
                try await rig.untilQuiet()
                let incident = try await rig.trigger()
                try await rig.link(incident, id, "Outage__c")
                await rig.update("Outage__c", id, ["Phase__c": "Closed"])
                try await rig.untilQuiet()
                let written = await rig.notes(on: incident)
                XCTAssertEqual(written, notes, priority ?? "none")
            }
        }
    }

    func testATransactionOfTwoHundredRecords() async throws {
        let rule = Rules.onRecord(
            "copy", when: Rules.condition("record.Status", "changedTo", "Escalated"),
            Rules.set("Description", "Escalated: {{record.Subject}}"))
        try await Rig.working(for: self, .init(rules: [rule])) { rig in
            let ids = try await rig.create(
                "Case", records: (1...200).map { ["Subject": .string("Case \($0)")] })
            await rig.tell(
                "/_sandbox/salesforce/act",
                [
                    "do": "update", "object": "Case",
                    "records": .array(ids.map { ["Id": .string($0.long), "Status": "Escalated"] }),
                ])
            try await rig.untilQuiet()
            let texts = await rig.records("Case").map { $0["Description"]?.string }
            XCTAssertEqual(texts, (1...200).map { "Escalated: Case \($0)" })
            let outcomes = try await rig.outcomes("record.updated")
            XCTAssertEqual(outcomes.filter { $0 == "applied" }.count, 200)
            XCTAssertEqual(outcomes.filter { $0.hasPrefix("ignored") }.count, 200, "the echoes")
        }
    }

    func testEventsThatNoRuleCanReadAreIgnored() async throws {
        let always = Rules.onIncident("all", when: Rules.always, Rules.note("Matched."))
        try await Rig.working(for: self, .init(rules: [always])) { rig in
            let incident = try await rig.trigger()
            try await rig.untilQuiet()
            func deliver(_ id: String, _ type: String, _ data: JSON) async throws {
                try await rig.deliverV3([
                    "id": .string(id), "event_type": .string(type),
                    "occurred_at": "2026-03-02T09:15:04Z", "data": data,
                ])
            }
            try await deliver("e1", "pagey.ping", ["message": "Hello"])
            try await deliver("e2", "service.updated", ["id": "PSVCHK1", "type": "service"])
            try await deliver(
                "e3", "incident.teleported",
                ["id": .string(incident.rawValue), "type": "incident"])
            try await deliver("e4", "incident.triggered", ["type": "nothing that we know"])
            try await rig.untilIdle()
            let outcomes = try await rig.events().map {
                "\($0.job.event.id) \($0.ending?.outcome.words ?? "waiting")"
            }.filter { $0.hasPrefix("e") }
            XCTAssertEqual(
                outcomes.sorted(),
                [
                    "e1 ignored: a ping",
                    "e2 ignored: rules do not read service events (updated)",
                    "e3 ignored: Liaison does not know the kind incident.teleported",
                    "e4 ignored: Liaison does not know the kind "
                        + "pagerDuty.no_incident.incident.triggered",
                ])
            let notes = await rig.notes(on: incident)
            XCTAssertEqual(notes, ["Matched."], "for its trigger")
        }
    }

    /// The event fails, and its lane goes on.
    func testAnUnreadablePayload() async throws {
        let rule = Rules.onIncident("all", when: Rules.always, Rules.note("{{event.id}}"))
        try await Rig.running(for: self, .init(rules: [rule])) { rig in
            let incident = try await rig.trigger()
            await rig.sandbox.settled()
            var broken = Rig.event(incident, 1)
            broken.event.payload = Array("{\"data\":".utf8)
            let empty = Rig.event(incident, 2, payload: ["data": [:]])
            try await rig.append([broken, empty, Rig.event(incident, 3)])
            try await rig.withWorker { try await rig.untilQuiet() }
            let outcomes = try await rig.outcomes("incident.escalated")
            XCTAssertEqual(
                outcomes, ["failed: event.unreadable", "failed: event.unreadable", "applied"])
            let notes = await rig.notes(on: incident)
            XCTAssertTrue(notes.contains("\(incident)-3"), "\(notes)")
        }
    }

    func testAnEventIsDeliveredToAnApexResource() async throws {
        let deliver: JSON = ["type": "deliver", "path": "/services/apexrest/pagerduty/events"]
        let rules = [
            Rules.onIncident("whole", when: Rules.event("escalate"), deliver),
            Rules.onIncident(
                "own", when: Rules.event("resolve"),
                deliver.with("body", ["who": "{{incident.id}}", "n": "{{incident.number}}"])),
        ]
        try await Rig.working(for: self, .init(rules: rules)) { rig in
            let incident = try await rig.trigger()
            await rig.inPagerDuty("escalate", incident)
            try await rig.untilQuiet()
            await rig.inPagerDuty("resolve", incident)
            try await rig.untilQuiet()
            let bodies = try rig.sandbox.calls
                .filter { $0.path == "/services/apexrest/pagerduty/events" }
                .map { try JSON(parsing: $0.body) }
            XCTAssertEqual(bodies.count, 2)
            XCTAssertEqual(bodies.first?["event"]?["event_type"], "incident.escalated")
            XCTAssertEqual(bodies.last?["who"]?.string, incident.rawValue)
        }
    }
}

extension Rig {
    /// Replaces all triggers of Salesforce by outbound messages.
    fileprivate func listenToOutboundMessages(of object: String, _ fields: [String]) async {
        await sandbox.control("DELETE", "/_sandbox/salesforce/targets")
        await tell(
            "/_sandbox/salesforce/outbound",
            [
                "url": .string("\(ingestURL)/salesforce/acme/outbound/\(Self.outboundToken)"),
                "object": .string(object), "fields": .array(fields.map(JSON.string)),
            ])
    }
}
