import JSON
import Models

/// The payload is not what its format promises. This is permanent: reading it again cannot help.
public struct UnreadableEvent: Error, Equatable, Sendable, CustomStringConvertible {
    public let cause: Cause

    public var description: String { cause.message }

    init(_ message: String) { cause = Cause(.liaison, code: "event.unreadable", message: message) }
}

extension EventFacts {
    /// Reads an event of any kind. Kinds that concern no rule give facts without incident or
    /// record.
    public init(_ event: Event) throws(UnreadableEvent) {
        let payload = try event.parsedPayload()
        self.init(event: event)
        switch (event.kind, event.format) {
        case (.incident, .pagerDutyV3): try readV3(payload)
        case (.incident, .pagerDutyV2): try readV2(payload)
        case (.record, .apexTrigger): try readApexTrigger(payload)
        case (.record, .outboundMessage): try readOutboundMessage(payload)
        case (.incident, .apexTrigger), (.incident, .outboundMessage), (.record, .pagerDutyV3),
            (.record, .pagerDutyV2):
            throw UnreadableEvent("\(event.kind) cannot come as \(event.format.rawValue)")
        case (.service, _), (.ping, _), (.unknown, _): break
        }
    }

    /// Reads the `event` object of a V3 webhook (PagerDuty.md 1 and 5).
    private mutating func readV3(_ payload: JSONPart) throws(UnreadableEvent) {
        let data = payload["data"] ?? payload
        let type = data["type"]?.string
        guard let incident = NamedIncident(ofV3: data) else {
            throw UnreadableEvent("the event names no incident")
        }
        self.incident = Incident(id: incident.id, incident.part)
        agent = Reference(payload.present("agent"))
        isMerge = Self.isMerge(data)
        if type == "incident_note" {
            note = NoteFacts(
                id: data.present("id")?.string, text: data.present("content")?.string ?? "",
                isTrimmed: data["trimmed"]?.bool ?? false)
        }
        if type == "incident_status_update" {
            statusUpdate = data.present("message")?.string
        }
        workflow = Reference(data["incident_workflow"])
        if type == "incident_responder" {
            responder = Responder(
                name: Reference(data["user"])?.name, state: data.present("state")?.string,
                message: data.present("message")?.string)
        }
    }

    /// Reads one message of a V2 webhook (PagerDuty.md 29 and 34).
    private mutating func readV2(_ payload: JSONPart) throws(UnreadableEvent) {
        guard let incident = NamedIncident(payload["incident"]) else {
            throw UnreadableEvent("the message names no incident")
        }
        self.incident = Incident(id: incident.id, incident.part)
        let entry = payload["log_entries"]?.elements?.first
        let channel = entry?["channel"]
        agent = Reference(entry?["agent"])
        isMerge = Self.isMerge(payload["incident"])
        if incidentChange == .annotated {
            let text = channel?.present("content") ?? channel?.present("summary")
            note = NoteFacts(id: nil, text: text?.string ?? "")
        }
        if incidentChange == .custom {
            let webhook = payload["webhook"]
            customAction = CustomAction(
                id: webhook?.present("id")?.string,
                name: channel?.present("name")?.string ?? webhook?.present("name")?.string)
        }
    }

    /// True if the incident was merged: V3 gives an object with a type, V2 a word (PagerDuty.md
    /// 12).
    private static func isMerge(_ incident: JSONPart?) -> Bool {
        let reason = incident?["resolve_reason"]
        return reason?["type"]?.string == "merge_resolve_reason" || reason?.string == "merged"
    }

    private mutating func readApexTrigger(_ payload: JSONPart) throws(UnreadableEvent) {
        guard let new = payload.present("new")?.value.object else {
            throw UnreadableEvent("the change carries no new state")
        }
        let isInsert = payload["isInsert"]?.bool ?? (payload.present("old") == nil)
        record = RecordChangeFacts(
            reference: try Self.recordReference(new, in: payload), isInsert: isInsert,
            userID: payload.present("userId")?.string.flatMap(RecordID.init),
            new: RecordFields(new), isWhole: true,
            old: payload.present("old")?.value.object.map { RecordFields($0) }
                ?? (isInsert ? RecordFields() : nil))
        agent = record?.author.map { Reference(id: $0.long) }
    }

    /// Reads the record of an outbound message, which does not tell whether the record was created
    /// or updated: the event's kind says what was assumed.
    private mutating func readOutboundMessage(_ payload: JSONPart) throws(UnreadableEvent) {
        guard let new = payload.present("new")?.value.object else {
            throw UnreadableEvent("the notification carries no record")
        }
        record = RecordChangeFacts(
            reference: try Self.recordReference(new, in: payload),
            isInsert: event.kind == .record(.created),
            new: RecordFields(new), isWhole: false, old: nil)
        agent = record?.author.map { Reference(id: $0.long) }
    }

    private static func recordReference(
        _ new: JSONObject, in payload: JSONPart
    ) throws(UnreadableEvent) -> RecordReference {
        guard let object = payload.present("object")?.string,
            let id = new["Id"]?.string.flatMap(RecordID.init)
        else { throw UnreadableEvent("the change names no record") }
        return RecordReference(object: object, id: id)
    }
}

extension Event {
    func parsedPayload() throws(UnreadableEvent) -> JSONPart {
        do {
            let limits = JSONLimits.accepted(bytes: payload.count)
            return try JSONOutline(parsing: payload, limits: limits).root
        } catch {
            throw UnreadableEvent("the stored payload is no JSON: \(error)")
        }
    }
}
