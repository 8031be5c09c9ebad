import JSON
import Models
import Postgres
import Sandbox
import Store
import XCTest

/// The log, and how its events ended.
extension Rig {
    /// Oldest first.
    func events() async throws -> [LoggedEvent] {
        try await store.events(EventFilter(.connection(Self.connection)), limit: 10_000).reversed()
    }

    /// The outcomes of the events of a kind, oldest first: `applied`, `ignored: a ping`,
    /// `failed: FIELD_INTEGRITY_EXCEPTION`, `waiting`.
    func outcomes(_ kind: String? = nil) async throws -> [String] {
        try await events().filter { kind == nil || $0.job.event.kind.rawValue == kind }
            .map { $0.ending?.outcome.words ?? "waiting" }
    }

    func onlyEvent(_ kind: String, line: UInt = #line) async throws -> LoggedEvent {
        let found = try await events().filter { $0.job.event.kind.rawValue == kind }
        XCTAssertEqual(found.count, 1, line: line)
        return try XCTUnwrap(found.first, line: line)
    }

    struct RecordedEffect {
        let key: String
        let state: String
        let request: JSON
        let result: JSON
    }

    /// Oldest first.
    func effects() async throws -> [RecordedEffect] {
        try await pool.query(
            """
            SELECT key, state, coalesce(request, 'null'), coalesce(result, 'null') FROM effect
            ORDER BY started_at, key
            """
        ).decoded(String.self, String.self, String.self, String.self).map {
            RecordedEffect(
                key: $0, state: $1, request: try JSON(parsing: $2), result: try JSON(parsing: $3))
        }
    }
}

/// The vendors' data, and the changes that workers made there.
extension Rig {
    /// `created Case 500..`, `incident.acknowledged Q2..`, in the order of the calls.
    func changes(_ prefix: String = "") -> [String] {
        sandbox.calls.flatMap(\.effects)
            .filter { !$0.hasPrefix("session of") && $0.hasPrefix(prefix) }
    }

    func record(_ object: String, _ id: RecordID, line: UInt = #line) async throws -> JSON {
        let answer = await sandbox.control("GET", "/_sandbox/salesforce/records/\(object)/\(id)")
        return try XCTUnwrap(answer.body["record"], answer.body.text, line: line)
    }

    func records(_ object: String) async -> [JSON] {
        await sandbox.control("GET", "/_sandbox/salesforce/records/\(object)")
            .body["records"]?.array ?? []
    }

    /// Includes its notes.
    func incident(_ id: IncidentID) async -> JSON {
        await sandbox.control("GET", "/_sandbox/pagerduty/incidents/\(id)").body
    }

    func incidents() async -> [JSON] {
        await sandbox.control("GET", "/_sandbox/pagerduty").body["incidents"]?.array ?? []
    }

    func onlyIncident(line: UInt = #line) async throws -> (id: IncidentID, told: JSON) {
        let incidents = await incidents()
        XCTAssertEqual(incidents.count, 1, line: line)
        let told = try XCTUnwrap(incidents.first, line: line)
        return (IncidentID(try XCTUnwrap(told["id"]?.string, line: line)), told)
    }

    func notes(on id: IncidentID) async -> [String] {
        await incident(id)["notes"]?.array?.compactMap { $0["content"]?.string } ?? []
    }

    func comments(on id: RecordID) async -> [String] {
        await records("CaseComment").filter { $0["ParentId"]?.string == id.long }
            .compactMap { $0["CommentBody"]?.string }
    }
}

extension Outcome {
    var words: String {
        switch self {
        case .applied, .unmatched: name
        case .ignored(let reason): "ignored: \(reason)"
        case .failed(let cause): "failed: \(cause.code)"
        }
    }
}
