import Crypto
import JSON
import Models

/// The signed statement by which Liaison logs in (RFC 7523; Salesforce.md 2, 3 and 5).
enum Assertion {
    /// The longest that every known server accepts.
    static let lifetime = Duration.seconds(180)

    /// - Parameter now: the present time; a clock that is minutes off makes the login fail.
    static func signed(
        for settings: SalesforceSettings, now: Timestamp
    ) throws(Failure) -> String {
        let header: JSON = ["alg": "RS256", "typ": "JWT"]
        let claims: JSON = [
            "iss": .string(settings.consumerKey),
            "sub": .string(settings.username),
            "aud": .string(settings.audience),
            "exp": .number(JSONNumber(Int(now.seconds + lifetime.components.seconds))),
        ]
        let signed = "\(Base64.encodeURL(header.bytes)).\(Base64.encodeURL(claims.bytes))"
        do {
            let signature = try settings.privateKey.signRS256(Array(signed.utf8))
            return "\(signed).\(Base64.encodeURL(signature))"
        } catch {
            throw .refused("privateKey", error.description)
        }
    }
}
