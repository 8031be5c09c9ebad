import HTTP
import JSON
import Models

extension SandboxPagerDuty {
    /// `GET /incidents`. Without a range it looks back one month, whatever the filter.
    func listIncidents(_ call: PagerDutyCall) throws(PagerDutyError) -> HTTPResponse {
        let filter = try IncidentFilter(call.query, at: call.at)
        var found = incidentOrder.compactMap { incidents[$0] }.filter(filter.admits)
        if call.query["sort_by"]?.hasSuffix(":desc") == true { found.reverse() }
        let parts = call.query.list("include")
        return try page(found, of: call, under: "incidents") {
            restView(of: $0, including: parts)
        }
    }

    /// Offset paging, which all lists share (PagerDuty.md 44).
    func page<Element>(
        _ all: [Element], of call: PagerDutyCall, under name: String, _ view: (Element) -> JSON
    ) throws(PagerDutyError) -> HTTPResponse {
        let limit = min(100, max(1, call.query["limit"].flatMap(Int.init) ?? 25))
        let offset = max(0, call.query["offset"].flatMap(Int.init) ?? 0)
        if offset + limit > 10_000 {
            throw .invalid("Offset plus limit must not be greater than 10000.")
        }
        let slice = all.dropFirst(offset).prefix(limit)
        return .json(
            200,
            [
                name: .array(slice.map(view)),
                "limit": JSON(limit), "offset": JSON(offset),
                "total": call.query["total"] == "true" ? JSON(all.count) : .null,
                "more": .bool(offset + slice.count < all.count),
            ])
    }
}

/// The filters of `GET /incidents`.
private struct IncidentFilter {
    let statuses: [String]
    let services: [String]
    let teams: [String]
    let users: [String]
    let urgencies: [String]
    /// An empty key filters nothing.
    let key: String?
    let since: Timestamp?
    let until: Timestamp?

    private static let windowDaysMax = 183.0

    init(_ query: URLQuery, at now: Timestamp) throws(PagerDutyError) {
        statuses = query.list("statuses")
        services = query.list("service_ids")
        teams = query.list("team_ids")
        users = query.list("user_ids")
        urgencies = query.list("urgencies")
        key = query["incident_key"].flatMap { $0.isEmpty ? nil : $0 }
        if query["date_range"] == "all" {
            (since, until) = (nil, nil)
            return
        }
        let end = query["until"].flatMap { Timestamp($0) } ?? now
        let month = -30.0 * 86_400
        let start = query["since"].flatMap { Timestamp($0) } ?? end.advanced(by: .seconds(month))
        if start.advanced(by: .seconds(Self.windowDaysMax * 86_400)) < end {
            throw .invalid("The date range must not be longer than 6 months.")
        }
        (since, until) = (start, end)
    }

    func admits(_ incident: SandboxIncident) -> Bool {
        let assignees = incident.assignments.map(\.userID)
        return Self.allows(statuses, incident.status.rawValue)
            && Self.allows(services, incident.serviceID)
            && Self.allows(urgencies, incident.urgency.rawValue)
            && (teams.isEmpty || incident.teamIDs.contains(where: teams.contains))
            && (users.isEmpty || assignees.contains(where: users.contains))
            && (key == nil || incident.key == key)
            && (since.map { $0 <= incident.createdAt } ?? true)
            && (until.map { incident.createdAt <= $0 } ?? true)
    }

    private static func allows(_ wanted: [String], _ value: String) -> Bool {
        wanted.isEmpty || wanted.contains(value)
    }
}
