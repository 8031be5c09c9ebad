import Crypto
import Models

/// One connection with every proof, and deliveries that carry them.
enum Fixtures {
    static let secret = "liaison+test/Secret0123456789abcdefghijklmnopqrstuvwxyzABCDEFG=="
    static let oldSecret = "the secret before the exchange"
    static let subscription = "PTESTSUB"
    static let legacyToken = "legacy-token-1"
    static let apexSecret = "apex-secret"
    static let apexToken = "apex-token"
    static let outboundToken = "0utb0und-t0ken"
    static let organization = "00D000000000TST"
    static let now = Timestamp(seconds: 1_938_000_000)

    static func connection(_ id: ConnectionID = "acme") -> Connection {
        Connection(
            id: id, name: "Acme",
            pagerDuty: PagerDutyAccount(
                apiURL: "https://api.example.com", token: SecretText("t"), from: "bot@example.com",
                webhooks: [
                    WebhookSubscription(subscription: nil, secret: SecretText(oldSecret)),
                    WebhookSubscription(subscription: subscription, secret: SecretText(secret)),
                ],
                legacyWebhook: LegacyWebhook(
                    header: "X-Team-Token", token: SecretText(legacyToken))),
            salesforce: SalesforceOrganization(
                loginURL: "https://login.example.com", audience: "a", clientID: "c", username: "u",
                privateKey: SecretText("k"), organizationID: RecordID(organization),
                webhookSecret: SecretText(apexSecret), webhookToken: SecretText(apexToken),
                outboundToken: SecretText(outboundToken)))
    }

    static func signature(_ body: [UInt8], by secret: String = secret) -> String {
        "v1="
            + Hex.encode(
                HMACSHA256.authenticationCode(key: Array(secret.utf8), message: body))
    }

    static func incidentEvent(
        id: String = "01HTESTEVENT0000000000000A", type: String = "incident.triggered",
        incident: String = "QTEST000000001"
    ) -> [UInt8] {
        Array(
            """
            {"event":{"id":"\(id)","event_type":"\(type)","resource_type":"incident",\
            "occurred_at":"2031-05-06T07:08:09.123Z","agent":null,"client":null,\
            "data":{"id":"\(incident)","type":"incident","title":"Zahlung hängt 🚒"}}}
            """.utf8)
    }

    static func legacyMessage(id: String, event: String, incident: String) -> String {
        """
        {"id":"\(id)","event":"\(event)","created_on":"2031-05-06T07:08:09-07:00",\
        "incident":{"id":"\(incident)","title":"Pump down"},"log_entries":[]}
        """
    }

    static func outboundMessage(
        organization: String = organization, notifications: [String]
    ) -> [UInt8] {
        Array(
            """
            <?xml version="1.0" encoding="UTF-8"?>
            <e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" \
            xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><e:Body>
            <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
            <OrganizationId>\(organization)</OrganizationId><ActionId>04k000000000001AAA</ActionId>
            <SessionId i:nil="true"/>\(notifications.joined(separator: "\n"))
            </notifications></e:Body></e:Envelope>
            """.utf8)
    }

    static func notification(_ number: Int) -> String {
        let digits = "00000\(number)".suffix(5)
        return """
            <Notification><Id>04l0000000\(digits)AAA</Id><sObject i:type="sf:Case" \
            xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>5000000000\(digits)</sf:Id>\
            <sf:Subject>A &lt;b&gt; &amp; c</sf:Subject><sf:Origin i:nil="true"/></sObject>\
            </Notification>
            """
    }
}
