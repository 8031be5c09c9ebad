import Automation
import Foundation
import FoundationXML
import JSON

/// Collects the notifications during parsing. Elements are known by their place and local name,
/// whatever their prefixes are.
final class OutboundMessageReader: NSObject, XMLParserDelegate {
    private static let depthMax = 32
    private static let fieldsMax = 1000
    private static let message = ["Envelope", "Body", "notifications"]
    private static let notification = message + ["Notification"]
    private static let record = notification + ["sObject"]

    private(set) var organizationID = ""
    private(set) var notifications: [OutboundNotification] = []
    /// True after the outermost element has been closed.
    private(set) var isComplete = false
    /// The reason for which the reading stopped.
    private(set) var refusal: Rejection?

    private var path: [String] = []
    private var text = ""
    private var isNil = false
    private var id: String?
    private var object: String?
    private var fields: JSONObject?

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
        qualifiedName: String?, attributes: [String: String] = [:]
    ) {
        path.append(name)
        text = ""
        isNil = value("nil", of: attributes) == "true"
        if path.count > Self.depthMax {
            refuse(.malformed("The XML is nested deeper than \(Self.depthMax) elements."), parser)
        }
        if path == Self.notification {
            (id, object, fields) = (nil, nil, nil)
        } else if path == Self.record, !isNil {
            fields = JSONObject()
            object = value("type", of: attributes).map {
                String($0.split(separator: ":").last ?? "")
            }
        }
    }

    func parser(_ parser: XMLParser, foundCharacters characters: String) { text += characters }

    func parser(_ parser: XMLParser, foundCDATA block: Data) {
        text += String(decoding: block, as: UTF8.self)
    }

    func parser(
        _ parser: XMLParser, didEndElement name: String, namespaceURI: String?,
        qualifiedName: String?
    ) {
        if path == Self.message + ["OrganizationId"] {
            if !organizationID.isEmpty {
                refuse(.malformed("The message has two OrganizationId elements."), parser)
            }
            organizationID = text
        } else if path == Self.notification + ["Id"] {
            id = text
        } else if path == Self.notification {
            finishNotification(parser)
        } else if path.count > Self.record.count, path.starts(with: Self.record) {
            finishField(parser)
        }
        path.removeLast()
        isComplete = path.isEmpty
        isNil = false
        // The text after a nested element is only the white space between elements.
        text = ""
    }

    private func finishNotification(_ parser: XMLParser) {
        guard notifications.count < AuthenticDelivery.notificationsMax else {
            let limit = AuthenticDelivery.notificationsMax
            return refuse(.tooLarge("The message has more than \(limit) notifications."), parser)
        }
        notifications.append(
            OutboundNotification(
                id: id, organizationID: organizationID, object: object, fields: fields))
    }

    /// A compound field's parts get dotted names; the compound itself has no text of its own.
    private func finishField(_ parser: XMLParser) {
        let name = path.dropFirst(Self.record.count).joined(separator: ".")
        let isCompound = fields?.keys.contains { $0.hasPrefix(name + ".") } ?? false
        if isCompound { return }
        if fields?[name] != nil { refuse(.malformed("A record has the same field twice."), parser) }
        if fields?.count == Self.fieldsMax {
            refuse(.tooLarge("A record has more than \(Self.fieldsMax) fields."), parser)
        }
        fields?[name] = isNil ? .null : .string(text)
    }

    private func refuse(_ reason: Rejection, _ parser: XMLParser) {
        refusal = refusal ?? reason
        parser.abortParsing()
    }

    private func value(_ name: String, of attributes: [String: String]) -> String? {
        attributes.first { $0.key == name || $0.key.hasSuffix(":\(name)") }?.value
    }
}
