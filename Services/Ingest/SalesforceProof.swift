import HTTP
import Models

/// How the Apex package proves itself: by an HMAC over time and body, or, where Apex cannot read
/// the secret, by a static token (Salesforce.md 45).
extension Delivery {
    /// How far the sender's clock may be from ours, and how long a copied request stays good.
    static let clockDifferenceMax = Duration.seconds(300)

    func proveApex(of organization: SalesforceOrganization) throws(Rejection) {
        if !headers.values("X-Liaison-Signature").isEmpty {
            try proveSignature(of: organization)
        } else if let token = organization.webhookToken, let sent = sentToken, fits(sent, token) {
            return
        } else {
            throw .unauthentic("A signature or the token is missing, or not the right one.")
        }
    }

    /// `X-Liaison-Signature: v1=hex(HMAC-SHA256(secret, timestamp + "." + body))`, where
    /// `X-Liaison-Timestamp` is Unix time in whole seconds.
    private func proveSignature(of organization: SalesforceOrganization) throws(Rejection) {
        guard let secret = organization.webhookSecret,
            let signatures = SignatureHeader(headers.values("X-Liaison-Signature")),
            let timestamp = single("X-Liaison-Timestamp"), let seconds = Int64(timestamp),
            signatures.proves(Array("\(timestamp).".utf8) + body, under: secret)
        else { throw .unauthentic("X-Liaison-Signature fits no secret.") }
        let (age, overflow) = receivedAt.seconds.subtractingReportingOverflow(seconds)
        guard !overflow, age.magnitude <= Self.clockDifferenceMax.components.seconds else {
            throw .unauthentic("X-Liaison-Timestamp is more than 5 minutes away from our clock.")
        }
    }

    private var sentToken: String? {
        if let token = single("X-Liaison-Token") { return token }
        guard let value = single("Authorization"), value.lowercased().hasPrefix("bearer ") else {
            return nil
        }
        return String(value.dropFirst(7).trimmed)
    }
}
