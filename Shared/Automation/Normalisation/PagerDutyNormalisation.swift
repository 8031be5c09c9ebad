import JSON
import Models

extension Normalisation {
    /// The `event` object of a V3 webhook (PagerDuty.md 1 to 5).
    public func pagerDutyV3(_ event: JSONPart) -> NewEvent {
        let subject = Subject.ofV3(event)
        return self.event(
            identified: event.name("id") ?? digest(of: event.value), source: .pagerDuty,
            kind: subject.kind,
            at: event.present("occurred_at")?.string, lane: subject.lane, format: .pagerDutyV3,
            payload: event.bytes)
    }

    /// One element of `messages` of a V2 webhook (PagerDuty.md 29).
    public func pagerDutyV2(_ message: JSONPart) -> NewEvent {
        let subject = Subject.ofV2(message)
        return event(
            identified: message.name("id") ?? digest(of: message.value), source: .pagerDuty,
            kind: subject.kind,
            at: message.present("created_on")?.string, lane: subject.lane, format: .pagerDutyV2,
            payload: message.bytes)
    }
}

/// The kind of a PagerDuty event, and the lane that keeps its order.
private struct Subject {
    let kind: EventKind
    let lane: LaneKey

    static func ofV3(_ event: JSONPart) -> Subject {
        guard let type = event.name("event_type") else { return unknown("no_type") }
        let data = event["data"]
        let words = type.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1)
        switch words.first.map(Substring.init) {
        case "incident":
            guard let incident = NamedIncident(ofV3: data) else {
                return unknown("no_incident.\(type)")
            }
            return Subject(kind: EventKind(rawValue: type), lane: .incident(incident.id))
        case "service":
            guard let id = data?["service"]?.name("id") ?? data?.name("id") else {
                return unknown("no_service.\(type)")
            }
            return Subject(kind: EventKind(rawValue: type), lane: .service(id))
        case "pagey" where type == "pagey.ping":
            return Subject(kind: .ping, lane: .connection)
        case _:
            return unknown(type)
        }
    }

    static func ofV2(_ message: JSONPart) -> Subject {
        guard let type = message.name("event") else { return unknown("no_type") }
        guard let change = v2Changes[type] else { return unknown(type) }
        guard let incident = NamedIncident(message["incident"]) else {
            return unknown("no_incident.\(type)")
        }
        return Subject(kind: .incident(change), lane: .incident(incident.id))
    }

    /// Our own kinds (`request.`, `record.`) start with other words; the prefix keeps a vendor's
    /// text from being read as one of them.
    private static func unknown(_ type: String) -> Subject {
        Subject(kind: .unknown("pagerDuty.\(type)"), lane: .connection)
    }
}

/// The incident of a message and its place in it, the same for the lane and for the facts.
struct NamedIncident {
    let id: IncidentID
    let part: JSONPart

    init?(_ part: JSONPart?) {
        guard let part, let id = part.name("id") else { return nil }
        self.id = IncidentID(id)
        self.part = part
    }

    /// The vendor's rule is `data.id` of an incident, else `data.incident.id`. A role assignment
    /// follows neither: it has a list, whose elements all name the one incident.
    init?(ofV3 data: JSONPart?) {
        guard let data else { return nil }
        if data["type"]?.string == "incident" {
            self.init(data)
        } else if let incident = NamedIncident(data["incident"]) {
            self = incident
        } else {
            let assignments = data["incident_role_assignments"]?.elements ?? []
            let first = assignments.lazy.compactMap { NamedIncident($0["incident"]) }.first
            guard let first else { return nil }
            self = first
        }
    }
}

/// The nine events of V2 by the names of V3 (PagerDuty.md 30).
private let v2Changes: [String: EventKind.IncidentChange] = [
    "incident.trigger": .triggered,
    "incident.acknowledge": .acknowledged,
    "incident.unacknowledge": .unacknowledged,
    "incident.resolve": .resolved,
    "incident.assign": .reassigned,
    "incident.escalate": .escalated,
    "incident.delegate": .delegated,
    "incident.annotate": .annotated,
    "incident.custom": .custom,
]
