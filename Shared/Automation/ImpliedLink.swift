import Models

/// The key of an incident that is made for a record names the record. So the link is known from the
/// incident's first event on, which may arrive before PagerDuty's answer.
enum IncidentKey {
    /// The same for every attempt and every event, so that PagerDuty itself refuses a second open
    /// incident of the rule for the record.
    static func text(
        for record: RecordReference, rule: RuleID, connection: ConnectionID
    ) -> String {
        "liaison:\(connection):\(record.object):\(record.id.long):\(rule)"
            .cut(toUnits: VendorLimits.incidentKeyUnitsMax)
    }

    /// The record of a key that Liaison made; nil for any other key.
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
