import JSON
import Models
import XCTest

/// Changes in one system that update the other, once and in both directions.
final class TwoWayUpdateTests: XCTestCase {
    func testAnUrgentCasePagesAndFollowsItsIncident() async throws {
        try await Rig.working(for: self, .init(rules: Rules.mainJob)) { rig in
            let id = try await rig.create("Case", ["Subject": "Cannot pay"])
            await rig.update("Case", id, ["Priority": "High"])
            try await rig.untilQuiet()
            let paged = await rig.incidents()
            XCTAssertEqual(paged.map { $0["title"] }, ["Case: Cannot pay"])
            let incident = IncidentID(try XCTUnwrap(paged[0]["id"]?.string))
            try await rig.check(id, "New", "triggered", of: incident)

            await rig.inPagerDuty("acknowledge", incident)
            try await rig.untilQuiet()
            try await rig.check(id, "Working", "acknowledged", of: incident)

            await rig.inPagerDuty("resolve", incident)
            try await rig.untilQuiet()
            try await rig.check(id, "Closed", "resolved", of: incident)
            let failed = try await rig.outcomes().filter { $0.hasPrefix("failed") }
            XCTAssertEqual(failed, [])
        }
    }

    func testAClosedCaseResolvesItsIncident() async throws {
        try await Rig.working(for: self, .init(rules: Rules.mainJob)) { rig in
            let (incident, id) = try await rig.linked()
            await rig.inPagerDuty("escalate", incident)
            try await rig.untilQuiet()
            await rig.update("Case", id, ["Status": "Working"])
            try await rig.untilQuiet()
            try await rig.check(id, "Working", "acknowledged", of: incident)
            await rig.update("Case", id, ["Status": "Closed"])
            try await rig.untilQuiet()
            try await rig.check(id, "Closed", "resolved", of: incident)
        }
    }

    func testARepeatedDeliveryHasNoSecondEffect() async throws {
        let rule = Rules.onIncident("note", when: Rules.event("escalate"), Rules.note("Seen."))
        try await Rig.working(for: self, .init(rules: [rule])) { rig in
            let incident = try await rig.trigger()
            let event = Rig.event(incident, 1).event
            let payload = try JSON(parsing: event.payload)
            for _ in 1...3 {
                try await rig.deliverV3(payload)
                try await rig.untilQuiet()
            }
            let notes = await rig.notes(on: incident)
            XCTAssertEqual(notes, ["Seen."])
            let outcomes = try await rig.outcomes("incident.escalated")
            XCTAssertEqual(outcomes, ["applied"])
        }
    }

    /// The events arrive while a worker waits for them, and as a backlog.
    func testACaseThatEscalatesTwiceMakesOneIncident() async throws {
        for isBacklog in [false, true] {
            try await Rig.running(for: self, .init(rules: Rules.mainJob)) { rig in
                let id = try await rig.create("Case", ["Subject": "Cannot pay"])
                func escalateTwice() async {
                    for priority in ["High", "Low", "High"] {
                        await rig.update("Case", id, ["Priority": .string(priority)])
                    }
                    await rig.sandbox.settled()
                }
                if isBacklog { await escalateTwice() }
                try await rig.withWorker {
                    if !isBacklog { await escalateTwice() }
                    try await rig.untilQuiet()
                }
                let incidents = await rig.incidents()
                XCTAssertEqual(incidents.count, 1, "backlog: \(isBacklog)")
            }
        }
    }

    func testACaseThatEscalatesAgainAfterItsIncidentPagesAgain() async throws {
        try await Rig.working(for: self, .init(rules: [Rules.mainJob[0]])) { rig in
            let id = try await rig.create("Case", ["Subject": "Cannot pay"])
            await rig.update("Case", id, ["Priority": "High"])
            try await rig.untilQuiet()
            let first = await rig.incidents()
            await rig.inPagerDuty(
                "resolve", IncidentID(try XCTUnwrap(first[0]["id"]?.string)))
            for priority in ["Low", "High"] {
                await rig.update("Case", id, ["Priority": .string(priority)])
            }
            try await rig.untilQuiet()
            let statuses = await rig.incidents().map { $0["status"]?.string }
            XCTAssertEqual(statuses, ["resolved", "triggered"])
        }
    }

    /// The webhook of the new incident overtakes the answer to the call that made it.
    func testTheLinkIsUsedBeforeTheAnswerArrives() async throws {
        try await Rig.working(for: self, .init(rules: Rules.mainJob)) { rig in
            await rig.injectFault([
                "vendor": "pagerduty", "fault": "hangAfterEffect", "method": "POST",
                "path": "/incidents",
            ])
            let id = try await rig.create("Case", ["Subject": "Cannot pay"])
            await rig.update("Case", id, ["Priority": "High"])
            _ = try await rig.firstCall { $0.effects.contains("updated Case \(id)") }
            let links = try await rig.store.links(records: [id], in: Rig.connection)
            XCTAssertEqual(links, [], "the answer has not come")
            await rig.clearFaults()
            try await rig.untilQuiet()
            let incident = try await rig.onlyIncident().id
            try await rig.check(id, "New", "triggered", of: incident)
            let linked = try await rig.store.links(records: [id], in: Rig.connection)
            XCTAssertEqual(linked.map(\.incident), [incident])
        }
    }

    /// PagerDuty would reopen the incident and page again.
    func testALateAcknowledgeDoesNotReopenTheIncident() async throws {
        try await Rig.working(for: self, .init(rules: [Rules.mainJob[2]])) { rig in
            let (incident, id) = try await rig.linked()
            await rig.inPagerDuty("resolve", incident)
            await rig.update("Case", id, ["Status": "Working"])
            try await rig.untilQuiet()
            let status = await rig.incident(incident)["status"]
            XCTAssertEqual(status, "resolved")
            XCTAssertEqual(rig.changes("incident."), [])
            let effects = try await rig.effects()
            XCTAssertEqual(effects.compactMap { $0.result["skipped"] }, ["the incident is resolved"])
        }
    }

    /// The incident's event creates an urgent case, which must not page again.
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
        try await Rig.working(for: self, .init(rules: rules)) { rig in
            let incident = try await rig.trigger("Shop is slow")
            try await rig.untilQuiet()
            let cases = await rig.records("Case")
            XCTAssertEqual(cases.map { $0["Subject"] }, ["Shop is slow"])
            let incidents = await rig.incidents()
            XCTAssertEqual(incidents.map { $0["id"]?.string }, [incident.rawValue])
            let outcomes = try await rig.outcomes("record.created")
            XCTAssertEqual(outcomes, ["ignored: it repeats what Liaison wrote"])
            let linked = try await rig.store.links(
                incident: incident, in: Rig.connection)
            XCTAssertEqual(linked.map(\.record.long), cases.compactMap { $0["Id"]?.string })

            let byPerson = try await rig.create(
                "Case", ["Subject": "By hand", "Priority": "High"])
            try await rig.untilQuiet()
            let links = try await rig.store.links(records: [byPerson], in: Rig.connection)
            XCTAssertEqual(links.count, 1, "a person's case does page")
        }
    }

    /// The work continues under the other incident.
    func testAMergedIncidentRunsNoResolveRule() async throws {
        let rules = [
            Rules.onIncident(
                "resolved", when: Rules.event("resolve"), Rules.set("Status", "Closed")),
            Rules.onIncident(
                "merged", when: Rules.event("resolve"),
                Rules.comment("Merged into {{incident.mergedInto}}.")
            ).with("onMerge", "run"),
        ]
        try await Rig.working(for: self, .init(rules: rules)) { rig in
            let (incident, id) = try await rig.linked()
            let other = try await rig.trigger("The same trouble")
            await rig.inPagerDuty("merge", incident, ["into": .string(other.rawValue)])
            try await rig.untilQuiet()
            let status = try await rig.record("Case", id)["Status"]
            XCTAssertEqual(status, "New")
            let comments = await rig.comments(on: id)
            XCTAssertEqual(comments, ["Merged into \(other)."])
        }
    }
}

extension Rig {
    /// Checks the status of the case, the status that it shows of its incident, and the incident's.
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
