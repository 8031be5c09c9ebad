import HTTP
import JSON
import Models

/// The control interface of a sandbox, beside the interfaces of the two vendors.
struct SandboxControl: Sendable {
    let url: String
    let http: HTTPClient

    func ask(_ method: String, _ path: String, _ body: JSON? = nil) async throws -> JSON {
        let request = HTTPClientRequest(
            method: method, url: "\(url)\(path)", body: body?.bytes ?? [],
            timeout: .seconds(30))
        let answer = try await http.send(request)
        guard (200...201).contains(answer.status) else {
            throw BenchFailure("the sandbox answered \(answer.status) to \(method) \(path)")
        }
        var limits = JSONLimits()
        limits.membersMax = 1_000_000
        return try JSON(parsing: answer.body, limits: limits)
    }

    func makeCases(_ count: Int) async throws -> [RecordID] {
        var ids: [RecordID] = []
        while ids.count < count {
            let records = (0..<min(200, count - ids.count)).map { number -> JSON in
                ["Subject": .string("Case \(number)")]
            }
            let answer = try await ask(
                "POST", "/salesforce/act",
                ["do": "create", "object": "Case", "records": .array(records)])
            let made = (answer["ids"]?.array ?? []).compactMap { id in
                id.string.flatMap { RecordID($0) }
            }
            guard made.count == records.count else {
                throw BenchFailure("the sandbox created \(made.count) of \(records.count) cases")
            }
            ids += made
        }
        return ids
    }

    func makeIncidents(_ count: Int) async throws -> [IncidentID] {
        var ids: [IncidentID] = []
        for number in 0..<count {
            let answer = try await ask(
                "POST", "/pagerduty/act",
                ["do": "trigger", "title": .string("Incident \(number)"), "as": "automation"])
            guard let id = answer["incident"]?["id"]?.string else {
                throw BenchFailure("the sandbox created no incident")
            }
            ids.append(IncidentID(id))
        }
        return ids
    }
}
