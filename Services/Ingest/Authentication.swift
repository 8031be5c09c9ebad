import Crypto
import HTTP
import Models

/// A delivery whose sender has proven to be the vendor's account. There is no other way to make
/// one than ``Delivery/authenticated()``.
struct AuthenticDelivery: Sendable {
    let connection: ConnectionID
    let channel: Channel
    let body: [UInt8]
    let receivedAt: Timestamp
    /// The time of sending by the clock of the Apex package.
    let sentAt: String?

    fileprivate init(proven delivery: Delivery) {
        connection = delivery.connection
        channel = delivery.channel
        body = delivery.body
        receivedAt = delivery.receivedAt
        sentAt = delivery.single("X-Liaison-Timestamp")
    }
}

extension Delivery {
    /// Checks the proof on the raw bytes, before anything is parsed.
    ///
    /// An outbound message carries the second half of its proof, the organisation, in its body;
    /// decoding compares it.
    func authenticated() throws(Rejection) -> AuthenticDelivery {
        switch channel {
        case .pagerDuty(let account):
            if let legacy = account.legacyWebhook, isLegacyWebhook {
                try proveToken(of: legacy)
            } else {
                try proveSignature(by: account.webhooks)
            }
        case .apex(let organization):
            try proveApex(of: organization)
        case .outboundMessage(let organization, let token):
            guard let expected = organization.outboundToken, fits(token, expected) else {
                throw .unauthentic("The token at the end of the path is not the right one.")
            }
        }
        return AuthenticDelivery(proven: self)
    }

    /// The one value of a header; a header that comes twice proves nothing.
    func single(_ name: String) -> String? {
        let values = headers.values(name)
        return values.count == 1 ? values[0] : nil
    }

    func fits(_ text: String, _ secret: SecretText) -> Bool {
        constantTimeEqual(Array(text.utf8), Array(secret.revealed.utf8))
    }
}
