/// An incident and a record that belong together, many to many. Rules make links, and people may.
public struct Link: Hashable, Sendable {
    public var incident: IncidentID
    /// The record's object: `Case`, `Account`, `Outage__c`.
    public var object: String
    public var record: RecordID

    public init(incident: IncidentID, object: String, record: RecordID) {
        self.incident = incident
        self.object = object
        self.record = record
    }

    public static func == (a: Self, b: Self) -> Bool {
        a.incident == b.incident && a.record == b.record && Names.areSame(a.object, b.object)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(incident)
        hasher.combine(record)
    }
}
