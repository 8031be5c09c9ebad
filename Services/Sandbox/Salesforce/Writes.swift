import JSON
import Models

/// Writes of records. A write is checked whole before anything is stored, and is recorded for the
/// triggers.
extension SalesforceOrg {
    mutating func insert(
        _ body: JSONObject, into type: ObjectType, by user: RecordID, at now: Timestamp
    ) throws(SalesforceError) -> RecordID {
        let write = try CheckedWrite(body, of: type, isCreate: true)
        let number = numbers[type.name, default: 0] + 1
        guard let id = newID(type.keyPrefix, number) else {
            throw .unknownResource
        }
        try meetLock(on: id)
        try check(write, of: type, exceptFor: nil)
        numbers[type.name] = number
        var record = SandboxRecord(id: id, values: ["Id": .string(id.long), "IsDeleted": false])
        for field in type.fields {
            if let value = field.defaultValue { record.values[field.name] = value }
            if field.isAutoNumber { record.values[field.name] = .string(Self.padded(number)) }
        }
        if type.field("OwnerId") != nil { record.values["OwnerId"] = .string(user.long) }
        record.values["CreatedDate"] = .string(now.salesforce)
        record.values["CreatedById"] = .string(user.long)
        store(write, in: record, before: nil, of: type, by: user, at: now)
        effects.append("created \(type.name) \(id)")
        return id
    }

    mutating func update(
        _ id: RecordID, of type: ObjectType, with body: JSONObject, by user: RecordID,
        at now: Timestamp
    ) throws(SalesforceError) {
        let before = try record(id, of: type, isWrite: true)
        let write = try CheckedWrite(body, of: type, isCreate: false)
        try meetLock(on: id)
        try check(write, of: type, exceptFor: id)
        store(write, in: before, before: before, of: type, by: user, at: now)
        effects.append("updated \(type.name) \(id)")
    }

    mutating func delete(_ id: RecordID, of type: ObjectType) throws(SalesforceError) {
        let before = try record(id, of: type, isWrite: true)
        try meetLock(on: id)
        tables[type.name]?.remove(id)
        changes.append(RecordWrite(type: type.name, before: before, after: nil, nulled: []))
        effects.append("deleted \(type.name) \(id)")
        guard type.name == "Case", let comments = tables["CaseComment"] else { return }
        for comment in comments.all where comment["ParentId"] == .string(id.long) {
            tables["CaseComment"]?.remove(comment.id)
        }
    }

    func record(
        _ id: RecordID, of type: ObjectType, isWrite: Bool = false
    ) throws(SalesforceError) -> SandboxRecord {
        if let record = tables[type.name]?[id] { return record }
        if isWrite && tables[type.name]?.deleted.contains(id) == true { throw .deleted }
        throw SalesforceError(404, "NOT_FOUND", "The requested resource does not exist")
    }

    private static func padded(_ number: Int) -> String {
        let digits = String(1_000 + number)
        return String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }

    /// Row locks are ordered through the control API.
    private mutating func meetLock(on id: RecordID) throws(SalesforceError) {
        defer { writesSoFar += 1 }
        if let lock, lock.writes.contains(writesSoFar) {
            throw .locked(id.long, isWrapped: lock.isWrapped)
        }
    }

    /// Uniqueness and the records that are pointed at.
    private func check(
        _ write: CheckedWrite, of type: ObjectType, exceptFor id: RecordID?
    ) throws(SalesforceError) {
        for (name, value) in write.values {
            guard let field = type.field(name), !value.isNull else { continue }
            if field.isUnique, let other = tables[type.name]?.find(field, value).first, other != id
            {
                throw .duplicate(field.name, of: other.long)
            }
            if field.kind == .reference { try checkReference(value, of: field) }
        }
    }

    private func checkReference(_ value: JSON, of field: ObjectField) throws(SalesforceError) {
        guard let target = value.string.flatMap({ RecordID($0) }) else { return }
        let possible = field.referenceTo.compactMap { types[$0] }
        guard let type = possible.first(where: { $0.keyPrefix == target.keyPrefix }) else {
            throw SalesforceError(
                400, "FIELD_INTEGRITY_EXCEPTION",
                "\(field.label): id value of incorrect type: \(target)", fields: [field.name])
        }
        if tables[type.name]?[target] != nil { return }
        if tables[type.name]?.deleted.contains(target) == true {
            throw SalesforceError(
                400, "ENTITY_IS_DELETED", "entity is deleted", fields: [field.name])
        }
        throw SalesforceError(
            400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields: [field.name])
    }

    private mutating func store(
        _ write: CheckedWrite, in record: SandboxRecord, before: SandboxRecord?,
        of type: ObjectType,
        by user: RecordID, at now: Timestamp
    ) {
        var after = record
        var comment: JSON = .null
        for (name, value) in write.values {
            if type.name == "Case" && name == "Comments" {
                comment = value
            } else {
                after.set(name, value)
            }
        }
        after.values["LastModifiedDate"] = .string(now.salesforce)
        after.values["LastModifiedById"] = .string(user.long)
        after.values["SystemModstamp"] = .string(now.salesforce)
        Self.derive(&after, of: type, at: now)
        tables[type.name]?.put(after)
        let nulled = Set(write.values.filter { $1.isNull }.keys)
        changes.append(RecordWrite(type: type.name, before: before, after: after, nulled: nulled))
        if !comment.isNull { addComment(comment, to: after.id, by: user, at: now) }
    }

    /// Fields that the platform computes.
    private static func derive(
        _ record: inout SandboxRecord, of type: ObjectType, at now: Timestamp
    ) {
        if type.name == "Case" {
            let isClosed = record["Status"].string == "Closed"
            if isClosed != record["IsClosed"].bool {
                record.set("ClosedDate", isClosed ? .string(now.salesforce) : .null)
            }
            record.values["IsClosed"] = .bool(isClosed)
        }
        if type.field("LastName") != nil {
            let names = [record["FirstName"].string, record["LastName"].string].compactMap { $0 }
            record.values["Name"] = .string(names.joined(separator: " "))
        }
    }

    /// Writes `Case.Comments`: adds a comment in the same transaction. The answer omits its id.
    private mutating func addComment(
        _ body: JSON, to parent: RecordID, by user: RecordID, at now: Timestamp
    ) {
        guard let type = types["CaseComment"] else { return }
        let comment: JSONObject = ["ParentId": .string(parent.long), "CommentBody": body]
        // Both values have been checked as the Case's; the comment's own limits are the same.
        _ = try? insert(comment, into: type, by: user, at: now)
    }
}
