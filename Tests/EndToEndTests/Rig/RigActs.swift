import Crypto
import HTTP
import JSON
import Models
import Sandbox
import Store
import XCTest

/// Acts of the vendors' users.
extension Rig {
    @discardableResult
    func tell(_ path: String, _ body: JSON = [:], line: UInt = #line) async -> JSON {
        let answer = await sandbox.control("POST", path, body)
        XCTAssertTrue((200...299).contains(answer.status), answer.body.text, line: line)
        return answer.body
    }

    /// A user does something in PagerDuty. Returns the incident as it is afterwards.
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

    func trigger(
        _ title: String = "Checkout is down", _ details: JSON = [:], line: UInt = #line
    ) async throws -> IncidentID {
        let wish = details.with("title", .string(title))
        let incident = await inPagerDuty("trigger", nil, wish, line: line)
        return IncidentID(try XCTUnwrap(incident["id"]?.string, line: line))
    }

    /// A user creates a record.
    func create(
        _ object: String, _ fields: JSON, line: UInt = #line
    ) async throws -> RecordID {
        let answer = await tell(
            "/_sandbox/salesforce/act",
            ["do": "create", "object": .string(object), "fields": fields], line: line)
        return try XCTUnwrap(answer["id"]?.string.flatMap { RecordID($0) }, line: line)
    }

    /// A user creates records, all in one transaction.
    func create(
        _ object: String, records: [JSON], line: UInt = #line
    ) async throws -> [RecordID] {
        let answer = await tell(
            "/_sandbox/salesforce/act",
            ["do": "create", "object": .string(object), "records": .array(records)], line: line)
        let ids = answer["ids"]?.array?.compactMap { $0.string.flatMap { RecordID($0) } } ?? []
        XCTAssertEqual(ids.count, records.count, line: line)
        return ids
    }

    func cases(_ count: Int) async throws -> [RecordID] {
        var ids: [RecordID] = []
        for start in stride(from: 0, to: count, by: 100) {
            ids += try await create(
                "Case",
                records: (start..<min(start + 100, count)).map {
                    ["Subject": .string("before \($0)")]
                })
        }
        return ids
    }

    /// A user saves a record.
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

    /// An incident and a record that are linked.
    func linked(
        _ object: String = "Case", _ fields: JSON = ["Subject": "Cannot pay"]
    ) async throws -> (incident: IncidentID, record: RecordID) {
        let record = try await create(object, fields)
        let incident = try await trigger()
        try await link(incident, record, object)
        return (incident, record)
    }

    func link(
        _ incident: IncidentID, _ record: RecordID, _ object: String = "Case",
        of connection: ConnectionID = connection
    ) async throws {
        try await store.link(
            Link(incident: incident, object: object, record: record), in: connection)
    }

    /// Makes the stand-ins answer matching calls of the workers with a fault.
    func injectFault(_ fault: JSON, line: UInt = #line) async {
        await tell("/_sandbox/faults", fault, line: line)
    }

    /// Ends all faults. Calls that hang end without an answer.
    func clearFaults() async { await sandbox.control("DELETE", "/_sandbox/faults") }
}

/// Deliveries and events that do not come from the stand-ins.
extension Rig {
    private func deliver(
        _ path: String, _ headers: HTTPHeaders, _ body: [UInt8], to url: String
    ) async throws -> HTTPResponse {
        try await client.send(
            HTTPClientRequest(method: "POST", url: url + path, headers: headers, body: body))
    }

    /// A V3 delivery with its signature.
    @discardableResult
    func deliverV3(_ event: JSON, line: UInt = #line) async throws -> HTTPResponse {
        let response = try await attemptV3(event)
        XCTAssertEqual(response.status, 202, line: line)
        return response
    }

    /// A V3 delivery with its signature, which may be refused.
    ///
    /// - Parameter port: of an ingest that is a process; nil for the one of this process.
    func attemptV3(_ event: JSON, port: Int? = nil) async throws -> HTTPResponse {
        let url = port.map { "http://127.0.0.1:\($0)" } ?? ingestURL
        let body = JSON.object(["event": event]).bytes
        let code = HMACSHA256.authenticationCode(
            key: Array(Self.webhookSecret.utf8), message: body)
        return try await deliver(
            "/pagerduty/acme",
            [
                "Content-Type": "application/json",
                "X-PagerDuty-Signature": "v1=\(Hex.encode(code))",
            ], body, to: url)
    }

    /// A delivery of the Apex package, with its signature of now.
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
            ], bytes, to: ingestURL)
        XCTAssertTrue((200...299).contains(response.status), line: line)
        return response
    }

    /// Appends an event of an incident's lane. The incident's number is `number`.
    func append(
        _ incident: IncidentID, _ number: Int, _ change: EventKind.IncidentChange = .escalated,
        title: String = "t", payload: JSON? = nil
    ) async throws {
        try await append([
            Self.event(incident, number, change, title: title, payload: payload)
        ])
    }

    func append(_ events: [NewEvent]) async throws {
        for start in stride(from: 0, to: events.count, by: 500) {
            let answers = try await store.append(
                Array(events[start..<min(start + 500, events.count)]))
            XCTAssertFalse(answers.contains(.duplicate))
        }
        try await store.notify()
    }

    static func event(
        _ incident: IncidentID, _ number: Int, _ change: EventKind.IncidentChange = .escalated,
        title: String = "t", payload: JSON? = nil
    ) -> NewEvent {
        event(EventID("\(incident)-\(number)"), incident, number, change, title, payload: payload)
    }

    /// An event in a lane of its own, which no other event of the incident shares.
    static func separateEvent(
        _ number: Int, _ incident: IncidentID, of connection: ConnectionID = connection,
        _ change: EventKind.IncidentChange = .escalated, title: String? = nil
    ) -> NewEvent {
        var new = event(
            EventID("\(connection)-\(number)"), incident, number, change, title ?? "title \(number)"
        )
        new.event.connection = connection
        new.event.lane = LaneKey("incident:\(new.event.id)")
        return new
    }

    private static func event(
        _ id: EventID, _ incident: IncidentID, _ number: Int,
        _ change: EventKind.IncidentChange, _ title: String, payload: JSON? = nil
    ) -> NewEvent {
        let usual: JSON = [
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
                payload: (payload ?? usual).bytes),
            deduplicationKey: id.rawValue)
    }
}

extension JSON {
    func with(_ key: String, _ value: JSON) -> JSON {
        var object = object ?? JSONObject()
        object[key] = value
        return .object(object)
    }
}
