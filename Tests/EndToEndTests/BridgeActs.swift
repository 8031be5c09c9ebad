import Crypto
import HTTP
import JSON
import Models
import Sandbox
import Store
import XCTest

/// What people and vendors do.
extension Bridge {
    @discardableResult
    func tell(_ path: String, _ body: JSON = [:], line: UInt = #line) async -> JSON {
        let answer = await sandbox.control("POST", path, body)
        XCTAssertTrue((200...299).contains(answer.status), answer.body.text, line: line)
        return answer.body
    }

    /// Somebody else does something in PagerDuty; the incident as it is afterwards.
    @discardableResult
    func inPagerDuty(
        _ what: String, _ incident: IncidentID? = nil, _ details: JSON = [:], line: UInt = #line
    ) async -> JSON {
        var wish = details.object ?? JSONObject()
        wish["do"] = .string(what)
        wish["incident"] = incident.map { .string($0.rawValue) }
        let answer = await tell("/_sandbox/pagerduty/act", .object(wish), line: line)
        return answer["incident"] ?? .null
    }

    /// Somebody else's incident.
    func trigger(
        _ title: String = "Checkout is down", _ details: JSON = [:], line: UInt = #line
    ) async throws -> IncidentID {
        let wish = details.with("title", .string(title))
        let incident = await inPagerDuty("trigger", nil, wish, line: line)
        return IncidentID(try XCTUnwrap(incident["id"]?.string, line: line))
    }

    /// Somebody else's record.
    func create(
        _ object: String, _ fields: JSON, line: UInt = #line
    ) async throws -> RecordID {
        let answer = await tell(
            "/_sandbox/salesforce/act",
            ["do": "create", "object": .string(object), "fields": fields], line: line)
        return try XCTUnwrap(answer["id"]?.string.flatMap { RecordID($0) }, line: line)
    }

    /// Somebody else's save.
    func update(
        _ object: String, _ id: RecordID, _ fields: JSON, line: UInt = #line
    ) async {
        await tell(
            "/_sandbox/salesforce/act",
            [
                "do": "update", "object": .string(object), "id": .string(id.long),
                "fields": fields,
            ], line: line)
    }

    /// An incident of somebody else's and a record of somebody else's that belong together.
    func linked(
        _ object: String = "Case", _ fields: JSON = ["Subject": "Cannot pay"]
    ) async throws -> (incident: IncidentID, record: RecordID) {
        let record = try await create(object, fields)
        let incident = try await trigger()
        try await link(incident, record, object)
        return (incident, record)
    }

    func link(
        _ incident: IncidentID, _ record: RecordID, _ object: String = "Case"
    ) async throws {
        try await store.link(
            Link(incident: incident, object: object, record: record), in: Self.connection)
    }

    /// Orders a fault for the worker's calls.
    func order(_ fault: JSON, line: UInt = #line) async {
        await tell("/_sandbox/faults", fault, line: line)
    }

    /// Lets calls that hang go without an answer, and takes back all orders.
    func release() async { await sandbox.control("DELETE", "/_sandbox/faults") }
}

/// What comes to the door without the sandbox.
extension Bridge {
    func deliver(
        _ path: String, _ headers: HTTPHeaders, _ body: [UInt8]
    ) async throws -> HTTPResponse {
        try await client.send(
            HTTPClientRequest(
                method: "POST", url: ingestURL + path, headers: headers, body: body))
    }

    /// A V3 delivery with its signature.
    @discardableResult
    func deliverV3(_ event: JSON, line: UInt = #line) async throws -> HTTPResponse {
        let response = try await attemptV3(event)
        XCTAssertEqual(response.status, 202, line: line)
        return response
    }

    /// The same, which may be refused.
    func attemptV3(_ event: JSON) async throws -> HTTPResponse {
        let body = JSON.object(["event": event]).bytes
        let code = HMACSHA256.authenticationCode(
            key: Array(Self.webhookSecret.utf8), message: body)
        return try await deliver(
            "/pagerduty/acme",
            [
                "Content-Type": "application/json",
                "X-PagerDuty-Signature": "v1=\(Hex.encode(code))",
            ], body)
    }

    /// What the Apex package posts, with its signature of now.
    @discardableResult
    func deliverApex(_ body: JSON, line: UInt = #line) async throws -> HTTPResponse {
        let bytes = body.bytes
        let time = String(sandbox.clock.milliseconds / 1000)
        let code = HMACSHA256.authenticationCode(
            key: Array(Self.apexSecret.utf8), message: Array("\(time).".utf8) + bytes)
        let response = try await deliver(
            "/salesforce/acme",
            [
                "Content-Type": "application/json", "X-Liaison-Timestamp": time,
                "X-Liaison-Signature": "v1=\(Hex.encode(code))",
            ], bytes)
        XCTAssertTrue((200...299).contains(response.status), line: line)
        return response
    }

    /// An event of an incident's lane, straight into the log: its number is `number`, its title
    /// `title`.
    func append(
        _ incident: IncidentID, _ number: Int, _ change: EventKind.IncidentChange = .escalated,
        title: String = "t", payload: JSON? = nil
    ) async throws {
        try await append([
            Self.event(incident, number, change, title: title, payload: payload)
        ])
    }

    func append(_ events: [NewEvent]) async throws {
        let answers = try await store.append(events)
        XCTAssertFalse(answers.contains(.duplicate))
        try await store.notify()
    }

    static func event(
        _ incident: IncidentID, _ number: Int, _ change: EventKind.IncidentChange = .escalated,
        title: String = "t", payload: JSON? = nil
    ) -> NewEvent {
        let id = EventID("\(incident)-\(number)")
        let told: JSON = [
            "id": .string(id.rawValue), "event_type": .string("incident.\(change.rawValue)"),
            "data": [
                "id": .string(incident.rawValue), "type": "incident",
                "number": .number(JSONNumber(number)), "title": .string(title),
                "status": "triggered", "service": ["id": "PSVCHK1", "summary": "Checkout"],
            ],
        ]
        return NewEvent(
            event: Event(
                id: id, connection: connection, source: .pagerDuty, kind: .incident(change),
                occurredAt: Timestamp(seconds: 1_780_000_000 + Int64(number)),
                lane: .incident(incident), format: .pagerDutyV3,
                payload: (payload ?? told).bytes),
            deduplicationKey: id.rawValue)
    }
}

/// Rules, in few words.
enum Rules {
    static func onRecord(
        _ id: String, _ object: String = "Case", when: JSON, _ actions: JSON...
    ) -> JSON {
        rule(id, object, "recordChange", when, actions)
    }

    static func onIncident(
        _ id: String, _ object: String = "Case", when: JSON, _ actions: JSON...
    ) -> JSON {
        rule(id, object, "incidentChange", when, actions)
    }

    static func condition(_ field: String, _ operator: String, _ value: JSON? = nil) -> JSON {
        var condition: JSONObject = [
            "field": .string(field), "operator": .string(`operator`),
        ]
        condition["value"] = value
        return .object(condition)
    }

    static func event(_ name: String) -> JSON {
        condition("incident.eventType", "equals", .string(name))
    }

    static func set(_ field: String, _ value: JSON) -> JSON {
        ["type": "setField", "field": .string(field), "value": value]
    }

    static func note(_ text: String) -> JSON { ["type": "addNote", "text": .string(text)] }
    static func comment(_ text: String) -> JSON { ["type": "addComment", "text": .string(text)] }

    static let setNumber = set("PagerDuty_Incident_Number__c", "{{incident.number}}")

    static let createIncident: JSON = [
        "type": "createIncident", "service": "PSVCHK1", "title": "Case: {{record.Subject}}",
    ]

    /// An urgent case pages; a case shows the state of its incident, and takes it back.
    static let mainJob: [JSON] = [
        onRecord("page", when: condition("record.Priority", "changedTo", "High"), createIncident),
        onRecord(
            "close", when: condition("record.Status", "changedTo", "Closed"),
            ["type": "resolveIncident"], set("PagerDuty_Status__c", "resolved")),
        onRecord(
            "work", when: condition("record.Status", "changedTo", "Working"),
            ["type": "acknowledgeIncident"], set("PagerDuty_Status__c", "acknowledged")),
        onIncident(
            "show", when: ["always": true],
            set("PagerDuty_Incident_Id__c", "{{incident.id}}"),
            set("PagerDuty_Status__c", "{{incident.status}}")),
        onIncident("acknowledged", when: event("acknowledge"), set("Status", "Working")),
        onIncident("resolved", when: event("resolve"), set("Status", "Closed")),
    ]

    private static func rule(
        _ id: String, _ object: String, _ direction: String, _ when: JSON, _ actions: [JSON]
    ) -> JSON {
        [
            "id": .string(id), "object": .string(object), "direction": .string(direction),
            "when": when, "actions": .array(actions),
        ]
    }
}

extension JSON {
    func with(_ key: String, _ value: JSON) -> JSON {
        var object = object ?? JSONObject()
        object[key] = value
        return .object(object)
    }
}
