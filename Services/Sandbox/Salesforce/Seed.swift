import JSON
import Models

/// The initial content of the organisation: three users and a queue.
extension SalesforceOrg {
    mutating func plantPeople(integrationUsername: String, at now: Timestamp) {
        plant("User", Self.person("Mira", "Holt", "mira@sandbox.example"), at: now)
        plant("User", Self.person("Tomas", "Vey", "tomas@sandbox.example"), at: now)
        plant("User", Self.person("Liaison", "Integration", integrationUsername), at: now)
        plant("Group", ["Name": "Support queue", "Type": "Queue"], at: now)
    }

    private static func person(_ first: String, _ last: String, _ username: String) -> [String:
        JSON]
    {
        [
            "FirstName": .string(first), "LastName": .string(last),
            "Name": .string("\(first) \(last)"), "Username": .string(username),
            "Email": .string(username), "IsActive": true,
        ]
    }

    /// Inserts a record of the first user without checks and triggers.
    private mutating func plant(_ name: String, _ values: [String: JSON], at now: Timestamp) {
        let number = numbers[name, default: 0] + 1
        guard let type = types[name], let id = newID(type.keyPrefix, number),
            let author = newID("005", 1)
        else { return }
        numbers[name] = number
        let stamp = JSON.string(now.salesforce)
        let system: [String: JSON] = [
            "Id": .string(id.long), "IsDeleted": false,
            "CreatedDate": stamp, "CreatedById": .string(author.long),
            "LastModifiedDate": stamp, "LastModifiedById": .string(author.long),
            "SystemModstamp": stamp,
        ]
        tables[name]?.put(SandboxRecord(id: id, values: values.merging(system) { own, _ in own }))
    }
}
