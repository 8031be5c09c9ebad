import Automation
import JSON
import Models

extension Normalisation {
    /// A normalisation with a digest that needs no cryptography.
    static let test = received(at: Timestamp(seconds: 1_938_000_000))
    /// A millisecond.
    static let later = received(at: Timestamp(milliseconds: 1_938_000_000_001))

    private static func received(at time: Timestamp) -> Normalisation {
        Normalisation(connection: "acme", receivedAt: time) { bytes in
            String(bytes.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) }, radix: 16)
        }
    }
}

extension Normalisation {
    func pagerDutyV3(_ event: JSON) -> NewEvent { pagerDutyV3(event.part) }
    func pagerDutyV2(_ message: JSON) -> NewEvent { pagerDutyV2(message.part) }
}

extension JSON {
    /// The value as a part of a document in its shortest form.
    fileprivate var part: JSONPart {
        guard let outline = try? JSONOutline(parsing: bytes) else {
            preconditionFailure("\(self) is no text that may be sent")
        }
        return outline.root
    }
}
