import Models

/// The key under which an incident is made for a record says which record that was: so the link is
/// known from the incident's first event on, which may arrive before PagerDuty's answer to us has.
enum IncidentKey {
    /// The same for every attempt and every event, so that PagerDuty itself refuses a second open
    /// incident of the rule for the record.
    static func text(
        for record: RecordReference, rule: RuleID, connection: ConnectionID
    ) -> String {
        "liaison:\(connection):\(record.object):\(record.id.long):\(rule)"
            .cut(toUnits: VendorLimits.incidentKeyUnitsMax)
    }

    /// The record of a key of ours; `nil` for anybody else's.
    static func record(of text: String, connection: ConnectionID) -> RecordReference? {
        let parts = text.split(separator: ":", maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "liaison", parts[1] == connection.rawValue,
            let id = RecordID(String(parts[3]))
        else { return nil }
        return RecordReference(object: String(parts[2]), id: id)
    }
}

extension EventFacts {
    /// The link to the record for which we made this incident, whether or not it is stored yet.
    public var impliedLink: Link? {
        guard let incident, let key = incident.incidentKey,
            let record = IncidentKey.record(of: key, connection: event.connection)
        else { return nil }
        return Link(incident: incident.id, object: record.object, record: record.id)
    }
}
