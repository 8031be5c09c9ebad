import JSON
import Models
import XCTest

/// The main job, both ways: what happens in one system is told to the other, once.
final class MainJobTests: XCTestCase {
    func testAnUrgentCasePagesAndFollowsItsIncident() async throws {
        try await Bridge.atWork(for: self, .init(rules: Rules.mainJob)) { bridge in
            let id = try await bridge.create("Case", ["Subject": "Cannot pay"])
            await bridge.update("Case", id, ["Priority": "High"])
            try await bridge.quiet()
            let paged = await bridge.incidents()
            XCTAssertEqual(paged.map { $0["title"] }, ["Case: Cannot pay"])
            let incident = IncidentID(try XCTUnwrap(paged[0]["id"]?.string))
            try await bridge.check(id, "New", "triggered", of: incident)

            await bridge.inPagerDuty("acknowledge", incident)
            try await bridge.quiet()
            try await bridge.check(id, "Working", "acknowledged", of: incident)

            await bridge.inPagerDuty("resolve", incident)
            try await bridge.quiet()
            try await bridge.check(id, "Closed", "resolved", of: incident)
            let failed = try await bridge.outcomes().filter { $0.hasPrefix("failed") }
            XCTAssertEqual(failed, [])
        }
    }

    func testAClosedCaseResolvesItsIncident() async throws {
        try await Bridge.atWork(for: self, .init(rules: Rules.mainJob)) { bridge in
            let (incident, id) = try await bridge.linked()
            await bridge.inPagerDuty("escalate", incident)
            try await bridge.quiet()
            await bridge.update("Case", id, ["Status": "Working"])
            try await bridge.quiet()
            try await bridge.check(id, "Working", "acknowledged", of: incident)
            await bridge.update("Case", id, ["Status": "Closed"])
            try await bridge.quiet()
            try await bridge.check(id, "Closed", "resolved", of: incident)
        }
    }

    func testARepeatedDeliveryHasNoSecondEffect() async throws {
        let rule = Rules.onIncident("note", when: Rules.event("escalate"), Rules.note("Seen."))
        try await Bridge.atWork(for: self, .init(rules: [rule])) { bridge in
            let incident = try await bridge.trigger()
            let event = Bridge.event(incident, 1).event
            let payload = try JSON(parsing: event.payload)
            for _ in 1...3 {
                try await bridge.deliverV3(payload)
                try await bridge.quiet()
            }
            let notes = await bridge.notes(on: incident)
            XCTAssertEqual(notes, ["Seen."])
            let outcomes = try await bridge.outcomes("incident.escalated")
            XCTAssertEqual(outcomes, ["applied"])
        }
    }

    /// Both while a worker waits for it and out of a backlog.
    func testACaseThatEscalatesTwiceMakesOneIncident() async throws {
        for isBacklog in [false, true] {
            try await Bridge.open(for: self, .init(rules: Rules.mainJob)) { bridge in
                let id = try await bridge.create("Case", ["Subject": "Cannot pay"])
                func escalateTwice() async {
                    for priority in ["High", "Low", "High"] {
                        await bridge.update("Case", id, ["Priority": .string(priority)])
                    }
                    await bridge.sandbox.settled()
                }
                if isBacklog { await escalateTwice() }
                try await bridge.withWorker {
                    if !isBacklog { await escalateTwice() }
                    try await bridge.quiet()
                }
                let incidents = await bridge.incidents()
                XCTAssertEqual(incidents.count, 1, "backlog: \(isBacklog)")
            }
        }
    }

    func testACaseThatEscalatesAgainAfterItsIncidentPagesAgain() async throws {
        try await Bridge.atWork(for: self, .init(rules: [Rules.mainJob[0]])) { bridge in
            let id = try await bridge.create("Case", ["Subject": "Cannot pay"])
            await bridge.update("Case", id, ["Priority": "High"])
            try await bridge.quiet()
            let first = await bridge.incidents()
            await bridge.inPagerDuty(
                "resolve", IncidentID(try XCTUnwrap(first[0]["id"]?.string)))
            for priority in ["Low", "High"] {
                await bridge.update("Case", id, ["Priority": .string(priority)])
            }
            try await bridge.quiet()
            let statuses = await bridge.incidents().map { $0["status"]?.string }
            XCTAssertEqual(statuses, ["resolved", "triggered"])
        }
    }

    /// The webhook of the new incident overtakes the answer to the call that made it.
    func testTheLinkIsKnownBeforeTheAnswer() async throws {
        try await Bridge.atWork(for: self, .init(rules: Rules.mainJob)) { bridge in
            await bridge.order([
                "vendor": "pagerduty", "fault": "hangAfterEffect", "method": "POST",
                "path": "/incidents",
            ])
            let id = try await bridge.create("Case", ["Subject": "Cannot pay"])
            await bridge.update("Case", id, ["Priority": "High"])
            _ = try await bridge.call { $0.effects.contains("updated Case \(id)") }
            let links = try await bridge.store.links(records: [id], in: Bridge.connection)
            XCTAssertEqual(links, [], "the answer has not come")
            await bridge.release()
            try await bridge.quiet()
            let incident = try await bridge.onlyIncident().id
            try await bridge.check(id, "New", "triggered", of: incident)
            let linked = try await bridge.store.links(records: [id], in: Bridge.connection)
            XCTAssertEqual(linked.map(\.incident), [incident])
        }
    }

    /// PagerDuty would reopen it and page again.
    func testALateAcknowledgeDoesNotReopen() async throws {
        try await Bridge.atWork(for: self, .init(rules: [Rules.mainJob[2]])) { bridge in
            let (incident, id) = try await bridge.linked()
            await bridge.inPagerDuty("resolve", incident)
            await bridge.update("Case", id, ["Status": "Working"])
            try await bridge.quiet()
            let status = await bridge.incident(incident)["status"]
            XCTAssertEqual(status, "resolved")
            XCTAssertEqual(bridge.changes("incident."), [])
            let effects = try await bridge.effects()
            XCTAssertEqual(effects.compactMap { $0.result["skipped"] }, ["it is resolved"])
        }
    }

    /// The incident's event opens a case, which is urgent; that must not page for it once more.
    func testARecordThatLiaisonCreatesDoesNotPage() async throws {
        let rules = [
            Rules.onRecord(
                "page", when: Rules.condition("record.Priority", "equals", "High"),
                Rules.createIncident),
            Rules.onIncident(
                "open", when: Rules.event("trigger"),
                [
                    "type": "createRecord", "object": "Case",
                    "fields": ["Subject": "{{incident.title}}", "Priority": "High"],
                ]),
        ]
        try await Bridge.atWork(for: self, .init(rules: rules)) { bridge in
            let incident = try await bridge.trigger("Shop is slow")
            try await bridge.quiet()
            let cases = await bridge.records("Case")
            XCTAssertEqual(cases.map { $0["Subject"] }, ["Shop is slow"])
            let incidents = await bridge.incidents()
            XCTAssertEqual(incidents.map { $0["id"]?.string }, [incident.rawValue])
            let outcomes = try await bridge.outcomes("record.created")
            XCTAssertEqual(outcomes, ["ignored: it repeats what Liaison wrote"])
            let linked = try await bridge.store.links(
                incident: incident, in: Bridge.connection)
            XCTAssertEqual(linked.map(\.record.long), cases.compactMap { $0["Id"]?.string })

            let byPerson = try await bridge.create(
                "Case", ["Subject": "By hand", "Priority": "High"])
            try await bridge.quiet()
            let links = try await bridge.store.links(records: [byPerson], in: Bridge.connection)
            XCTAssertEqual(links.count, 1, "a person's case does page")
        }
    }

    /// The work goes on under the other incident.
    func testAMergedIncidentRunsNoResolveRule() async throws {
        let rules = [
            Rules.onIncident(
                "resolved", when: Rules.event("resolve"), Rules.set("Status", "Closed")),
            Rules.onIncident(
                "merged", when: Rules.event("resolve"),
                Rules.comment("Merged into {{incident.mergedInto}}.")
            ).with("onMerge", "run"),
        ]
        try await Bridge.atWork(for: self, .init(rules: rules)) { bridge in
            let (incident, id) = try await bridge.linked()
            let other = try await bridge.trigger("The same trouble")
            await bridge.inPagerDuty("merge", incident, ["into": .string(other.rawValue)])
            try await bridge.quiet()
            let status = try await bridge.record("Case", id)["Status"]
            XCTAssertEqual(status, "New")
            let comments = await bridge.comments(on: id)
            XCTAssertEqual(comments, ["Merged into \(other)."])
        }
    }
}

extension Bridge {
    /// The case, what it shows of its incident, and the incident itself.
    fileprivate func check(
        _ id: RecordID, _ status: String, _ incidentStatus: String, of incident: IncidentID,
        line: UInt = #line
    ) async throws {
        let record = try await record("Case", id)
        XCTAssertEqual(record["Status"]?.string, status, line: line)
        XCTAssertEqual(record["PagerDuty_Status__c"]?.string, incidentStatus, line: line)
        XCTAssertEqual(
            record["PagerDuty_Incident_Id__c"]?.string, incident.rawValue, line: line)
        let present = await self.incident(incident)["status"]?.string
        XCTAssertEqual(present, incidentStatus, line: line)
    }
}
