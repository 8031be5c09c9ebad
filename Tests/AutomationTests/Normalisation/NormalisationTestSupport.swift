import Automation
import Models

extension Normalisation {
    /// With a digest that needs no cryptography.
    static let test = Normalisation(
        connection: "acme", receivedAt: Timestamp(seconds: 1_938_000_000)
    ) { bytes in
        String(bytes.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) }, radix: 16)
    }
}
