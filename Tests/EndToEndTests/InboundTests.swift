import JSON
import Models
import XCTest

/// Every channel that events come through, and events that no rule can concern.
final class InboundTests: XCTestCase {
    func testACustomActionOfV2() async throws {
        let rule = Rules.onIncident(
            "tell", when: Rules.condition("customAction.name", "equals", "Tell the customer"),
            Rules.comment("We work on it.").with("public", true))
        try await Bridge.atWork(for: self, .init(rules: [rule])) { bridge in
            let (incident, id) = try await bridge.linked()
            for name in ["Tell the customer", "Something else"] {
                let made = await bridge.tell(
                    "/_sandbox/pagerduty/extensions",
                    [
                        "url": .string("\(bridge.ingestURL)/pagerduty/acme"),
                        "headers": ["X-Team-Token": .string(Bridge.legacyToken)],
                        "custom": true, "name": .string(name),
                    ])
                let button = made["extension"]?["id"] ?? .null
                await bridge.inPagerDuty("custom_action", incident, ["extension": button])
                try await bridge.quiet()
            }
            let comments = await bridge.records("CaseComment")
            XCTAssertEqual(comments.map { $0["CommentBody"] }, ["We work on it."])
            XCTAssertEqual(comments.map { $0["IsPublished"] }, [true])
            XCTAssertEqual(comments.map { $0["ParentId"]?.string }, [id.long])
            let outcomes = try await bridge.outcomes("incident.custom")
            XCTAssertEqual(outcomes, ["applied", "unmatched"])
        }
    }

    /// It tells no old values: conditions on changes cannot be evaluated and count as false.
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
        try await Bridge.atWork(for: self, .init(rules: rules)) { bridge in
            await bridge.listenToOutboundMessages(of: "Outage__c", ["Name", "Phase__c"])
            let (incident, id) = try await bridge.linked(
                "Outage__c", ["Name": "Café <Süd> & Co"])
            await bridge.update("Outage__c", id, ["Phase__c": "Closed"])
            try await bridge.quiet()
            let notes = await bridge.notes(on: incident)
            // A message carries the state of the moment in which it goes out.
            XCTAssertEqual(notes.last, "Café <Süd> & Co is over.")
            XCTAssertFalse(notes.contains("Never."))
        }
    }

    func testAFieldThatAnOutboundMessageLeavesOutIsLookedUp() async throws {
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
        try await Bridge.atWork(for: self, .init(rules: rules)) { bridge in
            await bridge.listenToOutboundMessages(of: "Outage__c", ["Name"])
            for (priority, notes) in [
                ("P1", []), ("P2", ["Shop is P2."]), (nil, ["Shop is .", "Shop has none."]),
            ] as [(String?, [String])] {
                let id = try await bridge.create(
                    "Outage__c",
                    [
                        "Name": "Shop",
                        "PagerDuty_Priority__c": priority.map(JSON.string) ?? .null,
                    ])
                try await bridge.quiet()
                let incident = try await bridge.trigger()
                try await bridge.link(incident, id, "Outage__c")
                await bridge.update("Outage__c", id, ["Phase__c": "Closed"])
                try await bridge.quiet()
                let written = await bridge.notes(on: incident)
                XCTAssertEqual(written, notes, priority ?? "none")
            }
        }
    }

    func testATransactionOfTwoHundredRecords() async throws {
        let rule = Rules.onRecord(
            "copy", when: Rules.condition("record.Status", "changedTo", "Escalated"),
            Rules.set("Description", "Escalated: {{record.Subject}}"))
        try await Bridge.atWork(for: self, .init(rules: [rule])) { bridge in
            let fields = (1...200).map { JSON.object(["Subject": .string("Case \($0)")]) }
            let made = await bridge.tell(
                "/_sandbox/salesforce/act",
                ["do": "create", "object": "Case", "records": .array(fields)])
            let ids = made["ids"]?.array ?? []
            await bridge.tell(
                "/_sandbox/salesforce/act",
                [
                    "do": "update", "object": "Case",
                    "records": .array(ids.map { ["Id": $0, "Status": "Escalated"] }),
                ])
            try await bridge.quiet()
            let texts = await bridge.records("Case").map { $0["Description"]?.string }
            XCTAssertEqual(texts, (1...200).map { "Escalated: Case \($0)" })
            let outcomes = try await bridge.outcomes("record.updated")
            XCTAssertEqual(outcomes.filter { $0 == "applied" }.count, 200)
            XCTAssertEqual(outcomes.filter { $0.hasPrefix("ignored") }.count, 200, "the echoes")
        }
    }

    func testWhatNoRuleCanConcern() async throws {
        let always = Rules.onIncident("all", when: ["always": true], Rules.note("Matched."))
        try await Bridge.atWork(for: self, .init(rules: [always])) { bridge in
            let incident = try await bridge.trigger()
            try await bridge.quiet()
            func deliver(_ id: String, _ type: String, _ data: JSON) async throws {
                try await bridge.deliverV3([
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
            try await bridge.idle()
            let outcomes = try await bridge.events().map {
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
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, ["Matched."], "of its trigger")
        }
    }

    /// A payload that a former program stored, or a broken disk: the event fails, its lane goes on.
    func testAnUnreadablePayload() async throws {
        let rule = Rules.onIncident("all", when: ["always": true], Rules.note("{{event.id}}"))
        try await Bridge.open(for: self, .init(rules: [rule])) { bridge in
            let incident = try await bridge.trigger()
            await bridge.sandbox.settled()
            var broken = Bridge.event(incident, 1)
            broken.event.payload = Array("{\"data\":".utf8)
            let empty = Bridge.event(incident, 2, payload: ["data": [:]])
            try await bridge.append([broken, empty, Bridge.event(incident, 3)])
            try await bridge.withWorker { try await bridge.quiet() }
            let outcomes = try await bridge.outcomes("incident.escalated")
            XCTAssertEqual(
                outcomes, ["failed: event.unreadable", "failed: event.unreadable", "applied"])
            let notes = await bridge.notes(on: incident)
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
        try await Bridge.atWork(for: self, .init(rules: rules)) { bridge in
            let incident = try await bridge.trigger()
            await bridge.inPagerDuty("escalate", incident)
            try await bridge.quiet()
            await bridge.inPagerDuty("resolve", incident)
            try await bridge.quiet()
            let bodies = try bridge.sandbox.calls
                .filter { $0.path == "/services/apexrest/pagerduty/events" }
                .map { try JSON(parsing: $0.body) }
            XCTAssertEqual(bodies.count, 2)
            XCTAssertEqual(bodies.first?["event"]?["event_type"], "incident.escalated")
            XCTAssertEqual(bodies.last?["who"]?.string, incident.rawValue)
        }
    }
}

extension Bridge {
    /// In the place of all triggers.
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
