import Crypto
import HTTP
import Models

/// PagerDuty proves itself by a signature, or by a token on V2 webhooks (PagerDuty.md 17 to 20).
extension Delivery {
    /// V2 webhooks have neither a signature nor a subscription.
    var isLegacyWebhook: Bool {
        headers["X-PagerDuty-Signature"] == nil && headers["X-Webhook-Subscription"] == nil
    }

    /// V3: an HMAC of the body under the secret of any active subscription. The named one is tried
    /// first; the others follow, since an id may be missing in the configuration.
    func proveSignature(by webhooks: [WebhookSubscription]) throws(Rejection) {
        let named = single("X-Webhook-Subscription")
        let isKnown = named != nil && webhooks.contains { $0.subscription == named }
        if let signatures = SignatureHeader(headers.values("X-PagerDuty-Signature")) {
            let proves: (WebhookSubscription) -> Bool = {
                signatures.proves(body, under: $0.secret)
            }
            if webhooks.contains(where: { $0.subscription == named && proves($0) })
                || webhooks.contains(where: { $0.subscription != named && proves($0) })
            {
                return
            }
        }
        if let named, isKnown { throw .subscriptionSecretStale(subscription: named) }
        throw .unauthentic("X-PagerDuty-Signature is missing or matches no secret.")
    }

    /// V2: the connection's token in its header, or as the password of Basic authentication.
    func proveToken(of legacy: LegacyWebhook) throws(Rejection) {
        if let value = single(legacy.header), fits(value, legacy.token) { return }
        if let password = basicPassword, fits(password, legacy.token) { return }
        throw .unauthentic("The header with the webhook's token is missing or not the right one.")
    }

    /// RFC 7617 section 2: the user's name ends at the first colon.
    private var basicPassword: String? {
        guard let value = single("Authorization"), value.lowercased().hasPrefix("basic "),
            let bytes = Base64.decode(String(value.dropFirst(6).trimmed)),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        return String(validating: bytes[(colon + 1)...], as: UTF8.self)
    }
}
