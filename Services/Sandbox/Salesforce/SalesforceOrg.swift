import Crypto
import HTTP
import JSON
import Models

/// The stand-in's whole organisation. Writes go through `Writes.swift`; a request is one
/// transaction, whose changes the triggers see when it ends.
struct SalesforceOrg: Sendable {

    /// A row lock of another transaction. `writes` are those of the next request that it blocks,
    /// counted from 0.
    struct Lock: Sendable {
        let writes: Set<Int>
        let isWrapped: Bool
    }

    /// The organisation's id, 18 characters.
    let id: String
    /// The URL of the instance, without a slash at the end.
    var baseURL = ""
    var types: [String: ObjectType]
    var typeOrder: [String]
    var tables: [String: RecordTable] = [:]
    var sessions: [String: SandboxSession] = [:]
    var apps: [String: ConnectedApp] = [:]
    var cursors: [(locator: String, rows: [JSON])] = []
    var triggers: [ApexTarget] = []
    var outboundMessages: [OutboundMessageTarget] = []
    let sessionLifetime: Duration
    let calloutDeadline: Duration
    var callsPerDayMax: Int
    var callsToday = 0
    var countingSince: Timestamp?
    var ids: IdentifierSource
    /// Distinguishes the ids of one run of the sandbox from those of another.
    let run: Int
    var numbers: [String: Int] = [:]

    // State of the request being answered.
    var changes: [RecordWrite] = []
    var lock: Lock?
    var writesSoFar = 0
    var outgoing: [NewDelivery] = []
    var effects: [String] = []

    init(_ options: SandboxOptions.SalesforceOptions, seed: Int, at now: Timestamp) {
        run = seed
        ids = IdentifierSource(run: seed, source: 2)
        id = RecordID(prefix: "00D", number: 1)?.long ?? ""
        types = Dictionary(uniqueKeysWithValues: ObjectType.all.map { ($0.name, $0) })
        typeOrder = ObjectType.all.map(\.name)
        sessionLifetime = options.sessionLifetime
        calloutDeadline = options.calloutDeadline
        callsPerDayMax = options.callsPerDayMax
        for type in ObjectType.all { tables[type.name] = RecordTable(of: type) }
        plantPeople(integrationUsername: options.username, at: now)
        if let pem = options.publicKeyPEM, let key = try? RSAPublicKey(pem: pem) {
            apps[options.consumerKey] = ConnectedApp(key: key, usernames: [options.username])
        }
    }

    mutating func respond(to call: APICall) -> HTTPResponse {
        (changes, writesSoFar) = ([], 0)
        defer { lock = nil }
        if countingSince.map({ $0.advanced(by: .seconds(86_400)) <= call.at }) ?? true {
            (countingSince, callsToday) = (call.at, 0)
        }
        var response: HTTPResponse
        do {
            response = try route(call)
        } catch {
            response = error.response
        }
        response.headers["Sforce-Limit-Info"] = "api-usage=\(callsToday)/\(callsPerDayMax)"
        return response
    }

    private mutating func route(_ call: APICall) throws(SalesforceError) -> HTTPResponse {
        switch call {
        case "POST /services/oauth2/token": return logIn(call)
        case "GET /services/data": return versions
        default: return try routeInSession(call)
        }
    }

    private mutating func routeInSession(_ call: APICall) throws(SalesforceError) -> HTTPResponse {
        let session = try session(of: call)
        if callsToday >= callsPerDayMax { throw .dailyLimit }
        callsToday += 1
        let response = try routeData(SalesforceCall(call: call, userID: session.userID))
        commit(by: session.userID)
        return response
    }

    /// Extends the session.
    private mutating func session(of call: APICall) throws(SalesforceError) -> SandboxSession {
        guard let value = call.headers["Authorization"] else { throw .sessionInvalid }
        guard value.hasPrefix("Bearer ") || value.hasPrefix("OAuth ") else {
            throw SalesforceError(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
        }
        let token = String(value.drop { $0 != " " }.dropFirst())
        guard var session = sessions[token], call.at < session.expiresAt else {
            throw .sessionInvalid
        }
        session.expiresAt = call.at.advanced(by: sessionLifetime)
        sessions[token] = session
        return session
    }

    mutating func openSession(of user: RecordID, at now: Timestamp) -> String {
        let token = "\(id.prefix(15))!\(ids.token())"
        sessions[token] = SandboxSession(
            userID: user, expiresAt: now.advanced(by: sessionLifetime))
        return token
    }

    func user(named username: String) -> SandboxRecord? {
        tables["User"]?.all.first {
            $0["Username"].string?.lowercased() == username.lowercased()
        }
    }
}

/// A record before and after; `after` is nil once deleted.
struct RecordWrite: Sendable {
    let type: String
    let before: SandboxRecord?
    let after: SandboxRecord?
    /// Fields that the write itself set to null: Apex shows those, and no other nulls.
    let nulled: Set<String>
}

struct SandboxSession: Sendable {
    let userID: RecordID
    /// The end of the session; every call extends it.
    var expiresAt: Timestamp
}

/// A call with the user whose session it is, below `/services/data/vXX.X`.
struct SalesforceCall: Sendable {
    let call: APICall
    let userID: RecordID

    var at: Timestamp { call.at }

    subscript(_ segment: Int) -> String { call.segments[segment] }

    /// `v62.0`, as it stands in the path.
    var version: String { call.segments.count > 2 ? call.segments[2] : "v62.0" }
    var versionNumber: Double { Double(version.dropFirst()) ?? 0 }

    func body() throws(SalesforceError) -> JSONObject {
        guard let object = call.json?.object else {
            throw SalesforceError(
                400, "JSON_PARSER_ERROR", "Unexpected character or end of the body at [line:1]")
        }
        return object
    }
}

extension SalesforceOrg {
    static let versionMin = 30
    static let versionMax = 67

    private var versions: HTTPResponse {
        let all = (Self.versionMin...Self.versionMax).map { number -> JSON in
            [
                "label": .string("Release \(number)"),
                "url": .string("/services/data/v\(number).0"),
                "version": .string("\(number).0"),
            ]
        }
        return .json(200, .array(all))
    }

    private mutating func routeData(_ call: SalesforceCall) throws(SalesforceError) -> HTTPResponse
    {
        switch call.call {
        case "GET /services/oauth2/userinfo": return try userInfo(call)
        case "GET /id/{}/{}": return try userInfo(call)
        case "POST /services/apexrest/**", "PUT /services/apexrest/**",
            "PATCH /services/apexrest/**":
            effects.append("apexrest \(call.call.path)")
            return .json(200, ["received": true])
        default: return try routeVersion(call)
        }
    }

    private mutating func routeVersion(
        _ call: SalesforceCall
    ) throws(SalesforceError) -> HTTPResponse {
        guard call.call.segments.starts(with: ["services", "data"]),
            let version = Double(call.version.dropFirst()), call.version.hasPrefix("v"),
            (Double(Self.versionMin)...Double(Self.versionMax)).contains(version)
        else { throw .unknownResource }
        return try serve(call)
    }

    /// The endpoints below a version. Composite requests call it for their parts.
    mutating func serve(_ call: SalesforceCall) throws(SalesforceError) -> HTTPResponse {
        switch call.call {
        case "GET /services/data/{}": return resources(call)
        case "GET /services/data/{}/limits": return limits
        case "GET /services/data/{}/query", "GET /services/data/{}/queryAll":
            return try query(call)
        case "GET /services/data/{}/query/{}": return try nextPage(call, call[4])
        case "POST /services/data/{}/composite": return try composite(call)
        case "POST /services/data/{}/composite/sobjects": return try createCollection(call)
        case "PATCH /services/data/{}/composite/sobjects": return try updateCollection(call)
        case "DELETE /services/data/{}/composite/sobjects": return try deleteCollection(call)
        case "PATCH /services/data/{}/composite/sobjects/{}/{}":
            return try upsertCollection(call, call[5], by: call[6])
        default: return try serveObjects(call)
        }
    }

    private mutating func serveObjects(
        _ call: SalesforceCall
    ) throws(SalesforceError) -> HTTPResponse {
        switch call.call {
        case "GET /services/data/{}/sobjects": return globalDescribe(call)
        case "GET /services/data/{}/sobjects/{}": return try basicInfo(call, try type(call[4]))
        case "GET /services/data/{}/sobjects/{}/describe":
            return .json(200, try type(call[4]).describe(version: call.version))
        case "POST /services/data/{}/sobjects/{}": return try create(call, try type(call[4]))
        case "GET /services/data/{}/sobjects/{}/{}":
            return try read(call, try type(call[4]), call[5])
        case "PATCH /services/data/{}/sobjects/{}/{}":
            return try update(call, try type(call[4]), call[5])
        case "DELETE /services/data/{}/sobjects/{}/{}":
            return try delete(call, try type(call[4]), call[5])
        case "GET /services/data/{}/sobjects/{}/{}/{}":
            return try readByExternalID(call, try type(call[4]), call[5], call[6])
        case "PATCH /services/data/{}/sobjects/{}/{}/{}":
            return try upsert(call, try type(call[4]), call[5], call[6])
        default: throw .unknownResource
        }
    }

    func type(_ name: String) throws(SalesforceError) -> ObjectType {
        if let type = types[name] { return type }
        let match = typeOrder.first { $0.lowercased() == name.lowercased() }
        guard let type = match.flatMap({ types[$0] }) else { throw .unknownResource }
        return type
    }
}
