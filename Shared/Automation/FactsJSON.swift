import JSON
import Models

extension Facts {
    /// Everything beyond the event, for the ledger; `init(event:json:)` reads it back.
    public var json: JSON {
        var object = JSONObject()
        if !links.isEmpty { object["links"] = .array(links.map(\.json)) }
        let incidents = incidents.values.sorted { $0.id < $1.id }
        if !incidents.isEmpty { object["incidents"] = .array(incidents.map(\.json)) }
        let records = records.sorted { $0.key < $1.key }
        if !records.isEmpty {
            object["records"] = .object(
                JSONObject(records.map { ($0.key.long, .object($0.value.object)) }))
        }
        let obstacles = records.filter { !$0.value.obstacles.isEmpty }
        if !obstacles.isEmpty {
            object["obstacles"] = .object(
                JSONObject(obstacles.map { ($0.key.long, $0.value.obstaclesJSON) }))
        }
        if !echoes.isEmpty {
            object["echoes"] = .array(echoes.map(\.name).sorted().map(JSON.string))
        }
        object["noteText"] = noteText.map(JSON.string)
        return .object(object)
    }

    /// Reads what `json` wrote; what is not understood is left out.
    public init(event: EventFacts, json: JSON) {
        self.init(event: event)
        links = json["links"]?.array?.compactMap(Link.init(json:)) ?? []
        for incident in json["incidents"]?.array?.compactMap({ Incident($0) }) ?? [] {
            incidents[incident.id] = incident
        }
        for member in json["records"]?.object?.members ?? [] {
            guard let id = RecordID(member.key), let fields = member.value.object else { continue }
            let obstacles = json["obstacles"]?[member.key]?.object?.members ?? []
            records[id] = RecordFields(
                fields,
                obstacles: Dictionary(
                    obstacles.compactMap { obstacle in
                        obstacle.value.string.map { (obstacle.key, $0) }
                    }, uniquingKeysWith: { $1 }))
        }
        echoes = Set(json["echoes"]?.array?.compactMap(\.string).map(Echo.init(name:)) ?? [])
        noteText = json["noteText"]?.string
    }
}

extension RecordFields {
    fileprivate var obstaclesJSON: JSON {
        let sorted = obstacles.sorted { $0.key < $1.key }
        return .object(JSONObject(sorted.map { ($0.key, .string($0.value)) }))
    }
}

extension Link {
    fileprivate var json: JSON {
        [
            "incident": .string(incident.rawValue), "object": .string(object),
            "record": .string(record.long),
        ]
    }

    fileprivate init?(json: JSON) {
        guard let incident = json["incident"]?.string, let object = json["object"]?.string,
            let record = json["record"]?.string.flatMap(RecordID.init)
        else { return nil }
        self.init(incident: IncidentID(incident), object: object, record: record)
    }
}

extension Incident {
    /// The incident in the form of a V3 event, which `init(_:)` reads.
    fileprivate var json: JSON {
        var object: JSONObject = ["id": .string(id.rawValue)]
        object["number"] = number.map { .number(JSONNumber($0)) }
        object["title"] = title.map(JSON.string)
        object["status"] = status.map { .string($0.rawValue) }
        object["urgency"] = urgency.map { .string($0.rawValue) }
        object["service"] = service?.json
        object["escalation_policy"] = escalationPolicy?.json
        object["priority"] = priority.map { $0?.json ?? .null }
        object["assignees"] = assignees.map { .array($0.map(\.json)) }
        object["incident_key"] = incidentKey.map(JSON.string)
        object["html_url"] = url.map(JSON.string)
        object["created_at"] = createdAt.map { .string($0.iso8601) }
        object["resolve_reason"] = mergedInto.map { ["incident": ["id": .string($0.rawValue)]] }
        return .object(object)
    }
}

extension Reference {
    fileprivate var json: JSON {
        var object: JSONObject = ["id": .string(id)]
        object["summary"] = name.map(JSON.string)
        return .object(object)
    }
}
