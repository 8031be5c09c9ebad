import Crypto
import HTTP
import JSON
import Models

extension SandboxState {
    mutating func controlSalesforce(
        _ call: APICall, _ body: JSON
    ) throws(ControlError) -> HTTPResponse? {
        switch call {
        case "GET /_sandbox/salesforce": return .json(200, salesforce.dump)
        case "GET /_sandbox/salesforce/records/{}":
            guard let rows = salesforce.rows(of: call.segments[3]) else { throw .missing("object") }
            return .json(200, ["records": rows])
        case "GET /_sandbox/salesforce/records/{}/{}":
            let table = salesforce.tables[call.segments[3]]
            guard let record = RecordID(call.segments[4]).flatMap({ table?[$0] }) else {
                throw .missing("such record")
            }
            return .json(200, ["record": record.json])
        case "POST /_sandbox/salesforce/act":
            do {
                return .json(200, try salesforce.act(body, at: call.at))
            } catch {
                throw .salesforce(error)
            }
        case "POST /_sandbox/salesforce/sessions":
            let name = body.present("as")?.string ?? ""
            guard let user = name.isEmpty ? salesforce.firstUser : salesforce.user(named: name)
            else { throw .missing("such user") }
            let token = salesforce.openSession(of: user.id, at: call.at)
            return .json(
                201,
                [
                    "access_token": .string(token), "instance_url": .string(salesforce.baseURL),
                    "user_id": .string(user.id.long),
                ])
        default:
            if let response = try controlTargets(call, body) { return response }
            return try controlOrganization(call, body)
        }
    }

    private mutating func controlTargets(
        _ call: APICall, _ body: JSON
    ) throws(ControlError) -> HTTPResponse? {
        switch call {
        case "POST /_sandbox/salesforce/apex":
            let secret = body.present("secret")?.string.map(ApexCredential.secret)
            let token = body.present("token")?.string.map(ApexCredential.token)
            guard let url = body["url"]?.string, let proof = secret ?? token else {
                throw .bad("url, and secret or token, are needed")
            }
            let objects = (body.present("objects")?.array ?? []).compactMap(\.string)
            salesforce.triggers.append(ApexTarget(url: url, proof: proof, objects: Set(objects)))
        case "POST /_sandbox/salesforce/outbound":
            guard let url = body["url"]?.string, let type = body["object"]?.string,
                salesforce.types[type] != nil
            else { throw .bad("url and object are needed") }
            salesforce.outboundMessages.append(
                OutboundMessageTarget(
                    url: url, type: type,
                    fields: (body["fields"]?.array ?? []).compactMap(\.string),
                    actionID: salesforce.nextID("04k", "OutboundMessage")))
        case "DELETE /_sandbox/salesforce/targets":
            salesforce.triggers = []
            salesforce.outboundMessages = []
        default: return nil
        }
        return .json(201, [:])
    }

    private mutating func controlOrganization(
        _ call: APICall, _ body: JSON
    ) throws(ControlError) -> HTTPResponse? {
        switch call {
        case "POST /_sandbox/salesforce/apps":
            guard let name = body["consumerKey"]?.string,
                let key = try? RSAPublicKey(pem: body["publicKey"]?.string ?? "")
            else { throw .bad("consumerKey and publicKey (PEM) are needed") }
            let usernames = (body["usernames"]?.array ?? []).compactMap(\.string)
            salesforce.apps[name] = ConnectedApp(key: key, usernames: Set(usernames))
        case "DELETE /_sandbox/salesforce/sessions": salesforce.sessions = [:]
        case "PUT /_sandbox/salesforce/limits":
            if let limit = body["callsPerDayMax"]?.int { salesforce.callsPerDayMax = limit }
            if let used = body["callsToday"]?.int {
                (salesforce.callsToday, salesforce.countingSince) = (used, call.at)
            }
        case "POST /_sandbox/salesforce/fields":
            guard let object = body["object"]?.string, salesforce.types[object] != nil,
                let field = ObjectField(body)
            else { throw .bad("object and name are needed, and a type that exists") }
            salesforce.types[object]?.set(field)
        case "DELETE /_sandbox/salesforce/fields/{}/{}":
            guard salesforce.types[call.segments[3]] != nil else { throw .missing("object") }
            salesforce.types[call.segments[3]]?.removeField(call.segments[4])
        default: return nil
        }
        return .json(200, [:])
    }
}

extension SalesforceOrg {
    /// The administrator, who acts when the request names no user.
    fileprivate var firstUser: SandboxRecord? { tables["User"]?.all.first { _ in true } }

    fileprivate var dump: JSON {
        .object(JSONObject(typeOrder.map { ($0, rows(of: $0) ?? []) }))
    }

    fileprivate func rows(of type: String) -> JSON? {
        tables[type].map { .array($0.all.map(\.json)) }
    }

    /// `{"do", "object", "as"?, "fields"? | "records"?, "id"?}`: one transaction of one user, with
    /// the triggers it fires.
    fileprivate mutating func act(
        _ wish: JSON, at now: Timestamp
    ) throws(SalesforceError) -> JSON {
        let type = try type(wish["object"]?.string ?? "")
        let name = wish.present("as")?.string
        guard let user = name.map({ user(named: $0) }) ?? firstUser else { throw .unknownResource }
        let before = self
        (changes, writesSoFar) = ([], 0)
        do {
            let records = wish.present("records")?.array ?? [wish["fields"] ?? [:]]
            let ids = try records.map { (record) throws(SalesforceError) in
                try act(wish, on: record.object ?? [:], of: type, by: user.id, at: now)
            }
            commit(by: user.id)
            return ["ids": .array(ids.map { .string($0.long) }), "id": JSON(ids.first?.long)]
        } catch {
            self = before
            throw error
        }
    }

    private mutating func act(
        _ wish: JSON, on record: JSONObject, of type: ObjectType, by user: RecordID,
        at now: Timestamp
    ) throws(SalesforceError) -> RecordID {
        var fields = record
        let id = wish.present("id") ?? fields["Id"]
        fields["Id"] = nil
        if wish["do"] == "create" { return try insert(fields, into: type, by: user, at: now) }
        guard let target = id?.string.flatMap({ RecordID($0) }) else { throw .notFound("Id") }
        if wish["do"] == "delete" {
            try delete(target, of: type)
        } else {
            try update(target, of: type, with: fields, by: user, at: now)
        }
        return target
    }
}

extension SandboxRecord {
    var json: JSON {
        .object(JSONObject(values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
    }
}

extension ObjectField {
    /// A field as the control API describes it.
    fileprivate init?(_ wish: JSON) {
        guard let name = wish["name"]?.string,
            let kind = FieldType(rawValue: wish.present("type")?.string ?? "string")
        else { return nil }
        self.init(name, kind, length: wish.present("length")?.int ?? 255)
        values = (wish.present("values")?.array ?? []).compactMap(\.string)
        isRestricted = wish.present("restricted")?.bool ?? false
        isNillable = !(wish.present("required")?.bool ?? false)
        (precision, scale) = (18, 2)
    }
}
