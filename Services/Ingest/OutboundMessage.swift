import Automation
import Foundation  // XMLParser takes Data and its delegate is an NSObject.
import FoundationXML  // The only XML parser of the toolchain; libxml2 is kept by others.
import Models

/// The SOAP body of an outbound message (Salesforce.md 48).
extension AuthenticDelivery {
    static let notificationsMax = 100

    func outboundMessage(
        of organization: SalesforceOrganization
    ) throws(Rejection) -> [OutboundNotification] {
        let reader = OutboundMessageReader()
        let parser = XMLParser(data: Data(try harmlessXML()))
        parser.shouldProcessNamespaces = true
        parser.shouldResolveExternalEntities = false
        parser.delegate = reader
        let succeeded = parser.parse()
        if let refusal = reader.refusal { throw refusal }
        // `parse` alone also succeeds on a text that ends too early or goes on after its end.
        guard succeeded, parser.parserError == nil, reader.isComplete else {
            throw .malformed("The body is not well-formed XML.")
        }
        guard let sent = RecordID(reader.organizationID), sent == organization.organizationID else {
            throw .unauthentic(
                "OrganizationId in the body is not the organisation of this connection.")
        }
        return reader.notifications
    }

    /// The body without its byte order mark and XML declaration, so that the parser reads it as the
    /// UTF-8 that was checked here. In another encoding this search would miss a document type,
    /// which can define entities and read files. NUL bytes are refused because UTF-16 text with
    /// them can pass for UTF-8.
    private func harmlessXML() throws(Rejection) -> ArraySlice<UInt8> {
        guard String(validating: body, as: UTF8.self) != nil, !body.contains(0) else {
            throw .malformed("The body is not UTF-8.")
        }
        var rest = body[...]
        if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
        if rest.starts(with: "<?xml".utf8), let end = rest.firstIndex(of: UInt8(ascii: ">")) {
            rest = rest[(end + 1)...]
        }
        if rest.contains("<!DOCTYPE") {
            throw .malformed("The XML has a document type; send it without DOCTYPE.")
        }
        return rest
    }
}

extension ArraySlice<UInt8> {
    fileprivate func contains(_ word: StaticString) -> Bool {
        let wanted = Array(word.description.utf8)
        return withUnsafeBufferPointer { bytes in
            bytes.indices.contains { start in
                bytes[start] == wanted[0] && bytes[start...].starts(with: wanted)
            }
        }
    }
}
