import HTTP
import JSON
import Models

/// A flow's Outbound Message on one object (Salesforce.md 48).
struct OutboundMessageTarget: Sendable {
    let url: String
    let type: String
    let fields: [String]
    /// 18 characters.
    let actionID: String
}

extension SalesforceOrg {
    static let notificationsMax = 100
    static let acknowledgementDeadline = Duration.seconds(60)

    /// Queues a message to every target of the object.
    mutating func notify(_ type: String, _ changes: [RecordWrite]) {
        let records = changes.compactMap { $0.after?.id.long }
        for (number, target) in outboundMessages.enumerated() where target.type == type {
            for start in stride(from: 0, to: records.count, by: Self.notificationsMax) {
                let part = records[start..<min(start + Self.notificationsMax, records.count)]
                let notifications = part.map { (id: nextID("04l", "Notification"), record: $0) }
                outgoing.append(
                    NewDelivery(
                        subscriber: .outboundMessage(number),
                        lane: "outbound \(number) \(notifications[0].id)", url: target.url,
                        content: .outboundMessage(target: number, notifications: notifications),
                        deadline: Self.acknowledgementDeadline,
                        about: "outbound \(type) \(part.joined(separator: " "))"))
            }
        }
    }

    mutating func nextID(_ prefix: String, _ kind: String) -> String {
        numbers[kind, default: 0] += 1
        return newID(prefix, numbers[kind, default: 0])?.long ?? ""
    }

    static let outboundHeaders: HTTPHeaders = [
        "Content-Type": "text/xml; charset=utf-8", "SOAPAction": "\"\"",
        "User-Agent": "Jakarta Commons-HttpClient/3.1",
    ]

    /// The records as they are now. A deleted one goes without its data; `SessionId` is always
    /// empty since February 2026.
    func outboundBody(target number: Int, notifications: [(id: String, record: String)]) -> [UInt8]
    {
        guard outboundMessages.indices.contains(number) else { return [] }
        let target = outboundMessages[number]
        let items = notifications.map { notification in
            """
               <Notification>
                <Id>\(notification.id)</Id>
                <sObject xsi:type="sf:\(target.type)" \
            xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
            \(elements(of: notification.record, target))
                </sObject>
               </Notification>
            """
        }
        let envelope = """
            <?xml version="1.0" encoding="UTF-8"?>
            <soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" \
            xmlns:xsd="http://www.w3.org/2001/XMLSchema" \
            xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
             <soapenv:Body>
              <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
               <OrganizationId>\(id)</OrganizationId>
               <ActionId>\(target.actionID)</ActionId>
               <SessionId xsi:nil="true"/>
               <EnterpriseUrl>\(baseURL)/services/Soap/c/62.0/\(id.prefix(15))</EnterpriseUrl>
               <PartnerUrl>\(baseURL)/services/Soap/u/62.0/\(id.prefix(15))</PartnerUrl>
            \(items.joined(separator: "\n"))
              </notifications>
             </soapenv:Body>
            </soapenv:Envelope>
            """
        return Array(envelope.utf8)
    }

    private func elements(of id: String, _ target: OutboundMessageTarget) -> String {
        let record = RecordID(id).flatMap { tables[target.type]?[$0] }
        let lines = target.fields.compactMap { field -> String? in
            guard let value = record?.values[field] else { return nil }
            return "     <sf:\(field)>\(Self.xml(value))</sf:\(field)>"
        }
        return (["     <sf:Id>\(id)</sf:Id>"] + lines).joined(separator: "\n")
    }

    /// Moments end in `Z` here (Salesforce.md 37).
    private static func xml(_ value: JSON) -> String {
        var text = value.string ?? value.text
        if text.hasSuffix(".000+0000") { text = "\(text.dropLast(5))Z" }
        return text.reduce(into: "") { escaped, character in
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "\r": escaped += "&#13;"
            case _: escaped.append(character)
            }
        }
    }
}
