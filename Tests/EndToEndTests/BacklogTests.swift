import JSON
import Models
import Sandbox
import Store
import TestSupport
import XCTest

@testable import Worker

/// A backlog needs fewer calls than it has events, and leaves the same data.
final class BacklogTests: XCTestCase {
    func testABacklogOfOneRecordIsOneWrite() async throws {
        try await Rig.running(for: self, .init(rules: Story.rules)) { rig in
            let (incident, id) = try await rig.linked()
            await rig.sandbox.settled()
            try await rig.append((1...20).map { Rig.event(incident, $0) })
            try await rig.withWorker { try await rig.untilQuiet() }
            XCTAssertEqual(rig.changes("updated Case"), ["updated Case \(id)"])
            let number = try await rig.record("Case", id)["PagerDuty_Incident_Number__c"]
            XCTAssertEqual(number, 20)
            let outcomes = try await rig.outcomes("incident.escalated")
            XCTAssertEqual(outcomes, Array(repeating: "applied", count: 20))
        }
    }

    func testWithoutABacklogEveryEventIsOneWrite() async throws {
        try await Rig.working(for: self, .init(rules: Story.rules)) { rig in
            let (incident, id) = try await rig.linked()
            for number in 1...3 {
                try await rig.append(incident, number)
                try await rig.untilQuiet()
            }
            XCTAssertEqual(
                rig.changes("updated Case"), Array(repeating: "updated Case \(id)", count: 3))
        }
    }

    /// Notes and comments stand between the writes, and all are made in the order of their events.
    func testALaneKeepsItsOrder() async throws {
        let rules =
            Story.rules + [
                Rules.onIncident(
                    "note", when: Rules.event("resolve"), Rules.note("{{incident.number}}")),
                Rules.onIncident(
                    "comment", when: Rules.event("reopen"), Rules.comment("{{incident.number}}")),
            ]
        let changes: [EventKind.IncidentChange] = [.escalated, .resolved, .reopened]
        try await Rig.running(for: self, .init(rules: rules)) { rig in
            let (incident, _) = try await rig.linked()
            await rig.sandbox.settled()
            var dice = SplitMix64(seed: 5)
            try await rig.append(
                (1...30).map { number in
                    Rig.event(
                        incident, number, changes.randomElement(using: &dice) ?? .escalated)
                })
            await rig.injectFault([
                "vendor": "pagerduty", "fault": "status", "status": 503, "method": "POST",
                "skip": 3, "times": 2,
            ])
            await rig.injectFault([
                "vendor": "salesforce", "fault": "lockRow", "method": "PATCH", "skip": 2,
            ])
            try await rig.withWorker { try await rig.untilQuiet() }
            let numbers = rig.sandbox.calls.filter { !$0.effects.isEmpty }.compactMap(\.number)
            XCTAssertGreaterThan(numbers.count, 10)
            XCTAssertEqual(numbers, numbers.sorted())
            XCTAssertEqual(Set(numbers).count, numbers.count, "nothing twice")
        }
    }

    /// Applies random stories twice: to one record as a backlog, and to another event by event.
    func testABacklogLeavesTheSameDataAsItsEventsOneByOne() async throws {
        let stories = (1...60).map { Story(seed: $0) }
        try await Rig.running(for: self, .init(rules: Story.rules)) { rig in
            let together = try await rig.tell(stories, jobsPerLaneMax: 32)
            let single = try await rig.tell(stories, jobsPerLaneMax: 1)
            for (index, story) in stories.enumerated() {
                XCTAssertEqual(single[index].state, story.state, "seed \(story.seed)")
                XCTAssertEqual(together[index].state, story.state, "seed \(story.seed)")
                XCTAssertEqual(single[index].refused, story.refused, "seed \(story.seed)")
                XCTAssertTrue(
                    together[index].refused.isSubset(of: story.refused), "seed \(story.seed)")
            }
            let calls = (together.map(\.writes).reduce(0, +), single.map(\.writes).reduce(0, +))
            XCTAssertLessThan(calls.0 * 3, calls.1 * 2)
        }
    }
}

/// Events of one incident that write to overlapping fields of its case. Some carry a status that
/// does not exist, and are refused as a whole.
private struct Story {
    struct Step {
        let change: EventKind.IncidentChange
        let title: String
    }

    let seed: UInt64
    var steps: [Step] = []
    /// The fields of the case in the end: number, notes, priority, status.
    private(set) var state: [String: JSON] = [:]
    /// Numbers of the events that are refused.
    private(set) var refused: Set<Int> = []

    static let fields = [
        "PagerDuty_Incident_Number__c", "PagerDuty_Notes__c", "PagerDuty_Priority__c",
        "PagerDuty_Status__c",
    ]
    private static let number = Rules.set(fields[0], "{{incident.number}}")
    private static let notes = Rules.set(fields[1], "{{event.id}}")
    private static let priority = Rules.set(fields[2], "{{event.id}}")
    private static let status = Rules.set(fields[3], "{{incident.title}}")

    static let rules = [
        Rules.onIncident("a", when: Rules.event("escalate"), number),
        Rules.onIncident("b", when: Rules.event("assign"), number, notes),
        Rules.onIncident("c", when: Rules.event("delegate"), notes, priority),
        Rules.onIncident("d", when: Rules.event("acknowledge"), number, status),
        Rules.onIncident("e", when: Rules.event("priorityUpdate"), status, priority),
        Rules.onIncident("f", when: Rules.event("serviceUpdate"), number, notes, priority),
    ]
    private static let writes: [EventKind.IncidentChange: [Int]] = [
        .escalated: [0], .reassigned: [0, 1], .delegated: [1, 2], .acknowledged: [0, 3],
        .priorityUpdated: [3, 2], .serviceUpdated: [0, 1, 2],
    ]

    init(seed: UInt64) {
        self.seed = seed
        var dice = SplitMix64(seed: seed)
        for number in 1...Int.random(in: 2...12, using: &dice) {
            let change =
                Self.writes.keys.sorted { $0.rawValue < $1.rawValue }
                .randomElement(using: &dice) ?? .escalated
            let titles = ["triggered", "acknowledged", "resolved", "gone"]
            let step = Step(change: change, title: titles.randomElement(using: &dice) ?? "")
            steps.append(step)
            apply(step, number)
        }
    }

    private mutating func apply(_ step: Step, _ number: Int) {
        let written = Self.writes[step.change] ?? []
        if written.contains(3), step.title == "gone" {
            refused.insert(number)
            return
        }
        for field in written {
            state[Self.fields[field]] =
                [0: .number(JSONNumber(number)), 3: .string(step.title)][field]
                ?? .string("\(number)")
        }
    }
}

extension Rig {
    fileprivate struct Told {
        var state: [String: JSON] = [:]
        var refused: Set<Int> = []
        var writes = 0
    }

    /// Appends each story to a case of its own and starts a worker. Some of its writes meet a lock.
    fileprivate func tell(_ stories: [Story], jobsPerLaneMax: Int) async throws -> [Told] {
        let ids = try await create(
            "Case", records: stories.map { ["Subject": .string("Story \($0.seed)")] })
        let incidents = stories.map { IncidentID("Q\(jobsPerLaneMax)S\($0.seed)") }
        for (incident, id) in zip(incidents, ids) { try await link(incident, id) }
        await sandbox.settled()
        for skip in [0, 3, 7, 20] {
            await injectFault([
                "vendor": "salesforce", "fault": "lockRow", "method": "PATCH",
                "skip": .number(JSONNumber(skip)), "records": [0, 1, 2],
            ])
        }
        let before = sandbox.calls.count
        try await append(
            zip(stories, incidents).flatMap { story, incident in
                story.steps.enumerated().map { index, step in
                    Self.event(incident, index + 1, step.change, title: step.title)
                }
            })
        try await withWorker(limits: { $0.jobsPerLaneMax = jobsPerLaneMax }) {
            try await untilQuiet()
        }
        let changes = sandbox.calls.dropFirst(before).flatMap(\.effects)
        var told: [Told] = []
        for (incident, id) in zip(incidents, ids) {
            var one = try await self.told(of: incident, id)
            one.writes = changes.filter { $0 == "updated Case \(id)" }.count
            told.append(one)
        }
        return told
    }

    /// The fields of the case, and the events that were refused.
    private func told(of incident: IncidentID, _ id: RecordID) async throws -> Told {
        let record = try await record("Case", id)
        var told = Told()
        for field in Story.fields {
            guard let value = record.present(field) else { continue }
            // A story knows an event's id by the number at its end.
            let end = value.string?.split(separator: "-").last.map(String.init)
            told.state[field] = end.map(JSON.string) ?? value
        }
        let filter = EventFilter(.lane(.incident(incident), of: Self.connection))
        for event in try await store.events(filter, limit: 100) {
            guard case .failed = event.ending?.outcome else { continue }
            told.refused.insert(Int(event.job.sequence))
        }
        return told
    }
}

extension RecordedCall {
    /// The number of the event that the call is made for.
    fileprivate var number: Int? {
        guard let body = try? JSON(parsing: body) else { return nil }
        let fields = body["records"]?[0] ?? body
        return fields["PagerDuty_Incident_Number__c"]?.int
            ?? fields["PagerDuty_Incident_Number__c"]?.string.flatMap { Int($0) }
            ?? (body["note"]?["content"] ?? body["CommentBody"])?.string.flatMap { Int($0) }
    }
}
