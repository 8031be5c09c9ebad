import HTTP
import Models

/// Proof of the Apex package: an HMAC over time and body, or a static token where Apex cannot read
/// the secret (Salesforce.md 45).
extension Delivery {
    /// The largest difference between the sender's clock and ours, and the time for which a copied
    /// request stays valid.
    static let clockDifferenceMax = Duration.seconds(300)

    func proveApex(of organization: SalesforceOrganization) throws(Rejection) {
        if !headers.values("X-Liaison-Signature").isEmpty {
            try proveSignature(of: organization)
        } else if let token = organization.webhookToken, let sent = sentToken, fits(sent, token) {
            return
        } else {
            throw .unauthentic(
                "X-Liaison-Signature and X-Liaison-Token are missing, or the token is wrong.")
        }
    }

    /// `X-Liaison-Signature: v1=hex(HMAC-SHA256(secret, timestamp + "." + body))`, where
    /// `X-Liaison-Timestamp` is Unix time in whole seconds.
    private func proveSignature(of organization: SalesforceOrganization) throws(Rejection) {
        guard let secret = organization.webhookSecret,
            let signatures = SignatureHeader(headers.values("X-Liaison-Signature")),
            let timestamp = single("X-Liaison-Timestamp"), let seconds = Int64(timestamp),
            signatures.proves(Array("\(timestamp).".utf8) + body, under: secret)
        else {
            throw .unauthentic(
                "X-Liaison-Signature matches no secret, or X-Liaison-Timestamp is malformed.")
        }
        let (age, overflow) = receivedAt.seconds.subtractingReportingOverflow(seconds)
        guard !overflow, age.magnitude <= Self.clockDifferenceMax.components.seconds else {
            throw .unauthentic(
                "X-Liaison-Timestamp differs from this server's clock by more than 5 minutes.")
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
