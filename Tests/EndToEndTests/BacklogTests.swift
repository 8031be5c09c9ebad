import JSON
import Models
import Sandbox
import Store
import TestSupport
import XCTest

@testable import Worker

/// A backlog is worked off with fewer calls than it has events, and to the same end.
final class BacklogTests: XCTestCase {
    func testABacklogOfOneRecordIsOneWrite() async throws {
        try await Bridge.open(for: self, .init(rules: Story.rules)) { bridge in
            let (incident, id) = try await bridge.linked()
            await bridge.sandbox.settled()
            try await bridge.append((1...20).map { Bridge.event(incident, $0) })
            try await bridge.withWorker { try await bridge.quiet() }
            XCTAssertEqual(bridge.changes("updated Case"), ["updated Case \(id)"])
            let number = try await bridge.record("Case", id)["PagerDuty_Incident_Number__c"]
            XCTAssertEqual(number, 20)
            let outcomes = try await bridge.outcomes("incident.escalated")
            XCTAssertEqual(outcomes, Array(repeating: "applied", count: 20))
        }
    }

    func testWithoutABacklogEveryEventIsAppliedByItself() async throws {
        try await Bridge.atWork(for: self, .init(rules: Story.rules)) { bridge in
            let (incident, id) = try await bridge.linked()
            for number in 1...3 {
                try await bridge.append(incident, number)
                try await bridge.quiet()
            }
            XCTAssertEqual(
                bridge.changes("updated Case"), Array(repeating: "updated Case \(id)", count: 3))
        }
    }

    /// Notes and comments stand between the writes; nothing overtakes anything.
    func testALaneKeepsItsOrder() async throws {
        let rules =
            Story.rules + [
                Rules.onIncident(
                    "note", when: Rules.event("resolve"), Rules.note("{{incident.number}}")),
                Rules.onIncident(
                    "comment", when: Rules.event("reopen"), Rules.comment("{{incident.number}}")),
            ]
        let changes: [EventKind.IncidentChange] = [.escalated, .resolved, .reopened]
        try await Bridge.open(for: self, .init(rules: rules)) { bridge in
            let (incident, _) = try await bridge.linked()
            await bridge.sandbox.settled()
            var dice = SplitMix64(seed: 5)
            try await bridge.append(
                (1...30).map { number in
                    Bridge.event(
                        incident, number, changes.randomElement(using: &dice) ?? .escalated)
                })
            await bridge.order([
                "vendor": "pagerduty", "fault": "status", "status": 503, "method": "POST",
                "skip": 3, "times": 2,
            ])
            await bridge.order([
                "vendor": "salesforce", "fault": "lockRow", "method": "PATCH", "skip": 2,
            ])
            try await bridge.withWorker { try await bridge.quiet() }
            let numbers = bridge.sandbox.calls.filter { !$0.effects.isEmpty }.compactMap(\.number)
            XCTAssertGreaterThan(numbers.count, 10)
            XCTAssertEqual(numbers, numbers.sorted())
            XCTAssertEqual(Set(numbers).count, numbers.count, "nothing twice")
        }
    }

    /// Random stories, each told twice: to one record out of a backlog, to another event by event.
    func testABacklogEndsAsEventByEvent() async throws {
        let stories = (1...60).map { Story(seed: $0) }
        try await Bridge.open(for: self, .init(rules: Story.rules)) { bridge in
            let together = try await bridge.tell(stories, jobsPerLaneMax: 32)
            let single = try await bridge.tell(stories, jobsPerLaneMax: 1)
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
    /// What the case holds in the end: number, notes, priority, status.
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

extension Bridge {
    fileprivate struct Told {
        var state: [String: JSON] = [:]
        var refused: Set<Int> = []
        var writes = 0
    }

    /// Each story to a case of its own, all of them waiting when the worker starts. Some writes
    /// meet a lock.
    fileprivate func tell(_ stories: [Story], jobsPerLaneMax: Int) async throws -> [Told] {
        let fields = stories.map { JSON.object(["Subject": .string("Story \($0.seed)")]) }
        let made = await tell(
            "/_sandbox/salesforce/act",
            ["do": "create", "object": "Case", "records": .array(fields)])
        let ids = made["ids"]?.array?.compactMap { $0.string.flatMap { RecordID($0) } } ?? []
        let incidents = stories.map { IncidentID("Q\(jobsPerLaneMax)S\($0.seed)") }
        for (incident, id) in zip(incidents, ids) { try await link(incident, id) }
        await sandbox.settled()
        for skip in [0, 3, 7, 20] {
            await order([
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
        try await withWorker(limits: { $0.jobsPerLaneMax = jobsPerLaneMax }) { try await quiet() }
        let changes = sandbox.calls.dropFirst(before).flatMap(\.effects)
        var told: [Told] = []
        for (incident, id) in zip(incidents, ids) {
            let record = try await record("Case", id)
            var one = Told()
            for field in Story.fields {
                guard let value = record.present(field) else { continue }
                // An event's id ends in its number, which is all that a story knows of it.
                let end = value.string?.split(separator: "-").last.map(String.init)
                one.state[field] = end.map(JSON.string) ?? value
            }
            let filter = EventFilter(.lane(.incident(incident), of: Self.connection))
            for event in try await store.events(filter, limit: 100) {
                guard case .failed = event.ending?.outcome else { continue }
                one.refused.insert(Int(event.job.sequence))
            }
            one.writes = changes.filter { $0 == "updated Case \(id)" }.count
            told.append(one)
        }
        return told
    }
}

extension RecordedCall {
    /// Of the event that the call tells of.
    fileprivate var number: Int? {
        guard let body = try? JSON(parsing: body) else { return nil }
        let fields = body["records"]?[0] ?? body
        return fields["PagerDuty_Incident_Number__c"]?.int
            ?? fields["PagerDuty_Incident_Number__c"]?.string.flatMap { Int($0) }
            ?? (body["note"]?["content"] ?? body["CommentBody"])?.string.flatMap { Int($0) }
    }
}
