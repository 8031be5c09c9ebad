import Crypto
import Models

/// The signatures of a header: `v1=` and 64 hexadecimal digits, several joined by commas while a
/// secret is being exchanged. Entries of other versions are skipped (PagerDuty.md 18 to 20).
struct SignatureHeader: Sendable {
    /// No sender has so many secrets; each one costs a comparison.
    static let signaturesMax = 8

    private let signatures: [[UInt8]]

    /// `nil` when the header is absent, comes twice, has too many entries or none that can be read.
    init?(_ values: [String]) {
        guard values.count == 1 else { return nil }
        let entries = values[0].utf8
            .split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard entries.count <= Self.signaturesMax else { return nil }
        signatures = entries.compactMap { entry in
            let entry = Substring(entry).trimmed.utf8
            guard entry.starts(with: "v1=".utf8),
                entry.count == 3 + 2 * HMACSHA256.byteCount
            else { return nil }
            return Hex.decode(Substring(entry.dropFirst(3)))
        }
        guard !signatures.isEmpty else { return nil }
    }

    /// Whether one of the signatures is `message` under the secret's own bytes. Looks at all of
    /// them in any case.
    func proves(_ message: [UInt8], under secret: SecretText) -> Bool {
        let code = HMACSHA256.authenticationCode(
            key: Array(secret.revealed.utf8), message: message)
        return signatures.reduce(false) { proven, signature in
            let fits = constantTimeEqual(signature, code)
            return proven || fits
        }
    }
}

extension Substring {
    /// Without blanks and tabs at its ends (optional white space, RFC 9110 section 5.6.3).
    var trimmed: Substring {
        let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        guard let first = utf8.firstIndex(where: { !isBlank($0) }),
            let last = utf8.lastIndex(where: { !isBlank($0) })
        else { return "" }
        return Substring(utf8[first...last])
    }
}
