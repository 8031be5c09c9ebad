import Crypto
import HTTP
import JSON
import Models

/// An app that may log in with a JWT for some users (Salesforce.md 1).
struct ConnectedApp: Sendable {
    let key: RSAPublicKey
    /// The users who may log in with it.
    var usernames: Set<String>
}

/// A refusal of the token endpoint: one object, where the rest of the API answers an array.
private struct LoginRefusal: Error {
    let error: String
    let description: String

    static let notApproved = LoginRefusal(
        error: "invalid_grant", description: "user hasn't approved this consumer")
    static let badAssertion = LoginRefusal(
        error: "invalid_grant", description: "invalid assertion")
    static let badAudience = LoginRefusal(
        error: "invalid_grant", description: "audience is invalid")
    static let expired = LoginRefusal(
        error: "invalid_grant", description: "expired authorization code")
    static let unknownClient = LoginRefusal(
        error: "invalid_client_id", description: "client identifier invalid")
    static let inactiveUser = LoginRefusal(
        error: "inactive_user", description: "user is inactive")
    static let unsupportedGrant = LoginRefusal(
        error: "unsupported_grant_type", description: "grant type not supported")
}

extension SalesforceOrg {
    private static let audiences = [
        "https://login.salesforce.com", "https://test.salesforce.com",
    ]
    /// An assertion may not be good for longer (Salesforce.md 5).
    private static let assertionSecondsMax: Int64 = 300

    mutating func logIn(_ call: APICall) -> HTTPResponse {
        do {
            let user = try user(of: call)
            let token = openSession(of: user.id, at: call.at)
            effects.append("session of \(user["Username"].string ?? "")")
            return .json(
                200,
                [
                    "access_token": .string(token), "instance_url": .string(baseURL),
                    "id": .string("\(baseURL)/id/\(id)/\(user.id)"),
                    "scope": "api id", "token_type": "Bearer",
                ], headers: ["Cache-Control": "no-store"])
        } catch {
            return .json(
                400,
                [
                    "error": .string(error.error),
                    "error_description": .string(error.description),
                ])
        }
    }

    private func user(of call: APICall) throws(LoginRefusal) -> SandboxRecord {
        let form = URLQuery(String(decoding: call.body, as: UTF8.self))
        guard form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer" else {
            throw .unsupportedGrant
        }
        let parts = (form["assertion"] ?? "").split(
            separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.object(parts[0]),
            let claims = Self.object(parts[1]), let signature = Base64.decodeURL(parts[2]),
            header["alg"] == "RS256"
        else { throw .badAssertion }
        guard let issuer = claims["iss"]?.string, let app = apps[issuer] else {
            throw .unknownClient
        }
        let signed = Array("\(parts[0]).\(parts[1])".utf8)
        guard app.key.verifyRS256(signature: signature, message: signed) else {
            throw .badAssertion
        }
        try Self.check(claims, at: call.at)
        guard let name = claims["sub"]?.string, app.usernames.contains(name),
            let user = user(named: name)
        else { throw .notApproved }
        guard user["IsActive"] == true else { throw .inactiveUser }
        return user
    }

    private static func object(_ part: Substring) -> JSON? {
        guard let bytes = Base64.decodeURL(part), let json = try? JSON(parsing: bytes),
            json.object != nil
        else { return nil }
        return json
    }

    /// `exp` is a number, or a string of digits from some clients.
    private static func check(_ claims: JSON, at now: Timestamp) throws(LoginRefusal) {
        guard let audience = claims["aud"]?.string, audiences.contains(audience) else {
            throw .badAudience
        }
        let expiry = claims["exp"]?.int ?? claims["exp"]?.string.flatMap(Int.init)
        guard let expiry else { throw .badAssertion }
        guard Int64(expiry) > now.seconds else { throw .expired }
        guard Int64(expiry) <= now.seconds + assertionSecondsMax else { throw .badAssertion }
    }

    func userInfo(_ call: SalesforceCall) throws(SalesforceError) -> HTTPResponse {
        guard let user = tables["User"]?[call.userID] else { throw .unknownResource }
        return .json(
            200,
            [
                "sub": .string("\(baseURL)/id/\(id)/\(user.id)"),
                "id": .string("\(baseURL)/id/\(id)/\(user.id)"),
                "user_id": .string(user.id.long), "organization_id": .string(id),
                "preferred_username": user["Username"], "username": user["Username"],
                "name": user["Name"], "display_name": user["Name"], "email": user["Email"],
                "active": user["IsActive"], "user_type": "STANDARD",
                "urls": ["rest": .string("\(baseURL)/services/data/v{version}/")],
            ])
    }
}
