import HTTP
import JSON
import Models
import XCTest

@testable import Connectors

final class PagerDutyTests: XCTestCase {
    private func vendor(_ script: Script) -> PagerDuty {
        PagerDuty(
            settings: Account.settings(), send: script.send)
    }

    private let open: JSON = [
        "id": "PINC1", "incident_number": 7, "title": "Disk full", "status": "triggered",
        "urgency": "high", "incident_key": "k1",
        "service": ["id": "PSVC1", "summary": "Web"],
    ]

    private func incident(_ changes: (String, JSON)...) -> JSON {
        var object = open.object ?? JSONObject()
        for (key, value) in changes { object[key] = value }
        return ["incident": .object(object)]
    }

    private let duplicate: JSON = [
        "error": [
            "message": "Arguments Caused Error", "code": 2002,
            "errors": ["Open incident with matching dedup key already exists on this service"],
        ]
    ]

    func testCallsCarryServerAndCredential() {
        func check(
            _ settings: PagerDutySettings, _ url: String, _ authorization: String,
            line: UInt = #line
        ) {
            let request = PagerDuty(settings: settings, send: Script([]).send)
                .request(for: .get("/abilities"))
            XCTAssertEqual(request.url, url, line: line)
            XCTAssertEqual(request.headers["Authorization"], authorization, line: line)
            XCTAssertEqual(
                request.headers["Accept"], "application/vnd.pagerduty+json;version=2", line: line)
            XCTAssertNil(request.headers["From"], line: line)
        }
        check(
            Account.settings(credential: .apiKey("abc"), from: nil),
            "https://api.pagerduty.com/abilities", "Token token=abc")
        check(
            Account.settings(
                origin: "http://127.0.0.1:9000/", credential: .oauth(accessToken: "xyz"),
                from: nil),
            "http://127.0.0.1:9000/abilities", "Bearer xyz")
    }

    func testSecretsAreNotPrinted() {
        let settings = Account.settings(credential: .apiKey("s3cret"))
        var dumped = "\(settings)"
        dump(settings, to: &dumped)
        XCTAssertFalse(dumped.contains("s3cret"), dumped)
    }

    func testUpdatesHaveDocumentedBodies() async throws {
        for (update, fields) in Self.updateBodies {
            let script = Script([.json(200, incident())])
            _ = try await vendor(script).updateIncident("PINC1", update)
            var body: JSONObject = ["type": "incident_reference"]
            for (name, value) in fields.members.map({ ($0.key, $0.value) }) { body[name] = value }
            let request = try XCTUnwrap(script.requests.last)
            XCTAssertEqual(request.json, ["incident": .object(body)])
            XCTAssertEqual(request.headers["From"], "bridge@example.com")
            XCTAssertEqual(request.headers["Content-Type"], "application/json")
        }
    }

    private static let updateBodies: [(IncidentUpdate, JSONObject)] = [
        (.acknowledge, ["status": "acknowledged"]),
        (
            .resolve(resolution: "Cleaned up"),
            ["status": "resolved", "resolution": "Cleaned up"]
        ),
        (.resolve(resolution: nil), ["status": "resolved"]),
        (.setPriority("PPRI1"), ["priority": ["id": "PPRI1", "type": "priority_reference"]]),
        (
            .reassign(.users(["PUSR1", "PUSR2"])),
            [
                "assignments": [
                    ["assignee": ["id": "PUSR1", "type": "user_reference"]],
                    ["assignee": ["id": "PUSR2", "type": "user_reference"]],
                ]
            ]
        ),
        (
            .reassign(.escalationPolicy("PPOL1")),
            ["escalation_policy": ["id": "PPOL1", "type": "escalation_policy_reference"]]
        ),
    ]

    func testAnIncidentIsCreated() async throws {
        let script = Script([
            .json(201, incident())
        ])
        let new = NewIncident(
            title: "Größe", service: "PSVC1", incidentKey: "k1",
            body: "From case 1", urgency: .high, priority: "PPRI1",
            assignment: .escalationPolicy("PPOL1"))
        let reply = try await vendor(script).createIncident(new)
        guard case .created(let made) = reply else { return XCTFail("\(reply)") }
        XCTAssertEqual(made.id, "PINC1")
        XCTAssertEqual(made.service, Reference(id: "PSVC1", name: "Web"))
        XCTAssertEqual(script.lines, ["POST /incidents"])
        XCTAssertEqual(
            script.requests.first?.json,
            [
                "incident": [
                    "type": "incident",
                    "title": "Größe",
                    "service": ["id": "PSVC1", "type": "service_reference"],
                    "incident_key": "k1",
                    "body": ["type": "incident_body", "details": "From case 1"],
                    "urgency": "high",
                    "priority": ["id": "PPRI1", "type": "priority_reference"],
                    "escalation_policy": ["id": "PPOL1", "type": "escalation_policy_reference"],
                ]
            ])
    }

    func testAnOpenIncidentWithOurKeyIsAdopted() async throws {
        let new = NewIncident(title: "t", service: "PSVC1", incidentKey: "org/500:1&2")
        func check(_ found: [JSON], _ adopted: IncidentID, line: UInt = #line) async throws {
            let script = Script([.json(400, duplicate), .json(200, ["incidents": .array(found)])])
            let reply = try await vendor(script).createIncident(new)
            guard case .adopted(let incident) = reply else {
                return XCTFail("\(reply)", line: line)
            }
            XCTAssertEqual(incident.id, adopted, line: line)
            XCTAssertEqual(
                script.lines.last,
                "GET /incidents?incident_key=org%2F500%3A1%262&service_ids%5B%5D=PSVC1"
                    + "&statuses%5B%5D=triggered&statuses%5B%5D=acknowledged&date_range=all",
                line: line)
        }
        try await check([["id": "P1", "incident_key": "org/500:1&2"]], "P1")
        try await check(
            [["id": "P0", "incident_key": "other"], ["id": "P1", "incident_key": "org/500:1&2"]],
            "P1")
        try await check([["id": "P1", "incident_key": nil]], "P1")
        try await check(
            [["id": "P0", "service": ["id": "PSVC2"]], ["id": "P1", "service": ["id": "PSVC1"]]],
            "P1")
    }

    func testADuplicateThatIsNotFoundIsRetryable() async {
        let script = Script([.json(400, duplicate), .json(200, ["incidents": []])])
        let failure = await failure { () async throws(Failure) in
            try await vendor(script).createIncident(
                NewIncident(title: "t", service: "PSVC1", incidentKey: "k"))
        }
        XCTAssertEqual(Disposition(failure), .retry)
        XCTAssertEqual(failure?.cause?.code, "2002")
    }

    func testAnEmptyKeyIsNeverSent() async {
        let script = Script([])
        let vendor = vendor(script)
        let created = await failure { () async throws(Failure) in
            try await vendor.createIncident(
                NewIncident(title: "t", service: "PSVC1", incidentKey: ""))
        }
        let found = await failure { () async throws(Failure) in
            try await vendor.incidents(incidentKey: "", service: "PSVC1")
        }
        XCTAssertEqual(Disposition(created), .stop)
        XCTAssertEqual(Disposition(found), .stop)
        XCTAssertEqual(script.lines, [])
    }

    func testIdsThatNameAnotherResourceAreNotSent() async {
        let script = Script([])
        let vendor = vendor(script)
        for id in ["", ".", ".."] {
            let read = await failure { () async throws(Failure) in
                try await vendor.incident(IncidentID(id))
            }
            let started = await failure { () async throws(Failure) in
                try await vendor.startWorkflow(id, incident: "PINC1")
            }
            XCTAssertEqual([read, started].map(Disposition.init), [.stop, .stop])
        }
        XCTAssertEqual(script.lines, [])
    }

    func testAnUpdateThatIsAlreadyTrueSucceeds() async throws {
        let resolved: JSON = ["error": ["message": "Incident Already Resolved", "code": 1001]]
        func check(
            _ update: IncidentUpdate, found status: JSON, _ expected: Disposition?,
            line: UInt = #line
        ) async throws {
            let script = Script([.json(400, resolved), .json(200, incident(("status", status)))])
            do {
                let reply = try await vendor(script).updateIncident("PINC1", update)
                XCTAssertEqual(reply.status?.rawValue, status.string, line: line)
                XCTAssertNil(expected, line: line)
            } catch {
                XCTAssertEqual(Disposition(error), expected, line: line)
            }
            XCTAssertEqual(
                script.lines, ["PUT /incidents/PINC1", "GET /incidents/PINC1"], line: line)
        }
        try await check(.resolve(resolution: nil), found: "resolved", nil)
        try await check(.acknowledge, found: "acknowledged", nil)
        try await check(.acknowledge, found: "resolved", nil)
        try await check(.resolve(resolution: nil), found: "triggered", .stop)
        try await check(.acknowledge, found: "triggered", .stop)
        try await check(.setPriority("P"), found: "resolved", .stop)
    }

    func testNotesWorkflowsAndPlaysAreSent() async throws {
        let note: JSON = [
            "id": "PNOTE1", "content": "hello", "created_at": "2026-03-02T09:15:04Z",
        ]
        let script = Script([
            .json(200, ["notes": [note, ["content": "no id"]]]),
            .json(200, ["note": note]),
            .json(201, ["incident_workflow_instance": ["id": "run-1"]]),
            .json(200, ["status": "ok"]),
        ])
        let vendor = vendor(script)
        let notes = try await vendor.notes("PINC1")
        XCTAssertEqual(notes.map(\.content), ["hello"])
        XCTAssertEqual(notes.first?.id, "PNOTE1")
        let added = try await vendor.addNote("PINC1", "hello")
        XCTAssertEqual(added, notes.first)
        XCTAssertEqual(script.requests.last?.json, ["note": ["content": "hello"]])
        let run = try await vendor.startWorkflow("PWF1", incident: "PINC1")
        XCTAssertEqual(run, "run-1")
        XCTAssertEqual(
            script.requests.last?.json,
            [
                "incident_workflow_instance": [
                    "incident": ["id": "PINC1", "type": "incident_reference"]
                ]
            ])
        try await vendor.runResponsePlay("play/1", incident: "PINC1")
        XCTAssertEqual(
            script.lines,
            [
                "GET /incidents/PINC1/notes", "POST /incidents/PINC1/notes",
                "POST /incident_workflows/PWF1/instances", "POST /response_plays/play%2F1/run",
            ])
    }

    /// The network fails during a write, and during a read.
    func testACallWithoutAnAnswerIsRetryable() async {
        func check(
            _ outcome: Result<HTTPResponse, HTTPClientError>, _ disposition: Disposition,
            line: UInt = #line
        ) async {
            let vendor = vendor(Script { _, _ in outcome })
            let write = await failure(line: line) { () async throws(Failure) in
                try await vendor.addNote("PINC1", "x")
            }
            XCTAssertEqual(Disposition(write), disposition, line: line)
            let read = await failure(line: line) { () async throws(Failure) in
                try await vendor.incident("PINC1")
            }
            XCTAssertEqual(Disposition(read), disposition, line: line)
        }
        await check(.failure(.notSent(reason: "refused")), .retry)
        await check(.failure(.unknownOutcome(reason: "reset")), .retry)
        await check(.failure(.cancelled), .interrupted)
        await check(.answer(200, "<html>login</html>"), .retry)
        await check(.answer(201, #"{"incident":{"id":"P1""#), .retry)
        await check(.answer(200, ""), .retry)
        await check(.answer(200, "[]"), .retry)
        await check(.answer(502, "Bad Gateway"), .retry)
    }
}
