import Crypto
import HTTP
import JSON
import Models

/// The endpoint to which the trigger package of this organisation posts changes.
struct ApexTarget: Sendable {

    let url: String
    let proof: ApexCredential
    /// The objects that have a trigger. Empty means every object that can have one.
    let objects: Set<String>
}

enum ApexCredential: Sendable {
    /// HMAC over time and body.
    case secret(String)
    /// `Authorization: Bearer ..` out of a named credential.
    case token(String)
}

extension SalesforceOrg {
    /// The most records of one call of a trigger (Salesforce.md 40).
    static let triggerRecordsMax = 200
    private static let classVersion = "v62.0"

    /// Ends the transaction: triggers fire for everyone's writes, those of the integration user
    /// too.
    mutating func commit(by user: RecordID) {
        defer { changes = [] }
        if changes.isEmpty { return }
        let transaction = "4t\(ids.hexadecimal(22))"
        for batch in batches() {
            for (number, target) in triggers.enumerated()
            where target.objects.isEmpty || target.objects.contains(batch.type) {
                post(batch, to: target, number: number, by: user, transaction)
            }
            notify(batch.type, batch.changes)
        }
    }

    private struct Batch {
        let type: String
        let isInsert: Bool
        var changes: [RecordWrite]
    }

    /// Inserts and updates of one object in their order, cut at 200. Deletions have no trigger.
    private func batches() -> [Batch] {
        var batches: [Batch] = []
        for change in changes where change.after != nil && types[change.type]?.isTriggerable == true
        {
            let isInsert = change.before == nil
            let open = batches.lastIndex {
                $0.type == change.type && $0.isInsert == isInsert
                    && $0.changes.count < Self.triggerRecordsMax
            }
            if let open {
                batches[open].changes.append(change)
            } else {
                batches.append(Batch(type: change.type, isInsert: isInsert, changes: [change]))
            }
        }
        return batches
    }

    private mutating func post(
        _ batch: Batch, to target: ApexTarget, number: Int, by user: RecordID,
        _ transaction: String
    ) {
        var before = JSONObject()
        var after = JSONObject()
        for change in batch.changes {
            if let old = change.before { before[old.id.long] = serialized(old, batch.type, []) }
            if let new = change.after {
                after[new.id.long] = serialized(new, batch.type, change.nulled)
            }
        }
        let body: JSON = [
            "object": .string(batch.type),
            "old": batch.isInsert ? .null : .object(before), "new": .object(after),
            "isInsert": .bool(batch.isInsert), "userId": .string(user.long),
            "organizationId": .string(id), "transactionId": .string(transaction),
        ]
        let first = batch.changes.first?.after?.id.long ?? ""
        outgoing.append(
            NewDelivery(
                subscriber: .apex(number), lane: "apex \(number) \(first)", url: target.url,
                content: .apex(body: body.bytes, target: number),
                deadline: calloutDeadline,
                about: "\(batch.type) \(batch.isInsert ? "insert" : "update") \(first)"
                    + (batch.changes.count > 1 ? " and \(batch.changes.count - 1) more" : "")))
    }

    /// The record as `JSON.serialize(Trigger.newMap)` writes it: the only nulls are those just set.
    private func serialized(_ record: SandboxRecord, _ type: String, _ nulled: Set<String>) -> JSON
    {
        var object = JSONObject()
        object["attributes"] = [
            "type": .string(type),
            "url": .string("/services/data/\(Self.classVersion)/sobjects/\(type)/\(record.id)"),
        ]
        for field in types[type]?.fields ?? [] {
            if let value = record.values[field.name] {
                object[field.name] = value
            } else if nulled.contains(field.name) {
                object[field.name] = .null
            }
        }
        return .object(object)
    }

    /// The callout's headers are made when it is sent: a signature carries the time.
    func headers(forApex target: Int, body: [UInt8], at now: Timestamp) -> HTTPHeaders {
        var headers: HTTPHeaders = [
            "Content-Type": "application/json", "Accept": "*/*",
            "User-Agent": "SFDC-Callout/62.0",
        ]
        guard triggers.indices.contains(target) else { return headers }
        switch triggers[target].proof {
        case .token(let token): headers["Authorization"] = "Bearer \(token)"
        case .secret(let secret):
            let time = String(now.seconds)
            let code = HMACSHA256.authenticationCode(
                key: Array(secret.utf8), message: Array("\(time).".utf8) + body)
            headers["X-Liaison-Timestamp"] = time
            headers["X-Liaison-Signature"] = "v1=\(Hex.encode(code))"
        }
        return headers
    }
}
