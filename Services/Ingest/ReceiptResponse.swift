import HTTP

extension Receipt {
    /// A repeated delivery gets the same answer as the first, so that the sender need not tell them
    /// apart.
    func response(to channel: Channel) -> HTTPResponse {
        switch channel {
        case .pagerDuty, .apex:
            HTTPResponse(
                status: 202, headers: ["Content-Type": "application/json"],
                body: Array(#"{"events":\#(accepted + duplicates)}"#.utf8))
        case .outboundMessage:
            HTTPResponse(
                status: 200, headers: ["Content-Type": "text/xml; charset=utf-8"],
                body: Array(acknowledgement.utf8))
        }
    }
}

/// `Ack` counts for the whole message (Salesforce.md 49).
private let acknowledgement = """
    <?xml version="1.0" encoding="UTF-8"?>
    <soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>\
    <notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>\
    </notificationsResponse></soapenv:Body></soapenv:Envelope>
    """
