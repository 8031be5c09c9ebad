import Crypto
import Models

/// The signatures of a header: `v1=` and 64 hexadecimal digits, several joined by commas while a
/// secret is being rotated. Entries of other versions are skipped (PagerDuty.md 18 to 20).
struct SignatureHeader: Sendable {
    /// No sender has more secrets; each signature costs a comparison.
    static let signaturesMax = 8

    private let signatures: [[UInt8]]

    /// Returns nil if the header is absent or comes twice, or has too many or no valid entries.
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

    /// Returns true if one of the signatures is that of `message` under the secret. It compares all
    /// of them in any case, in constant time.
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
    /// The text between the blanks and tabs at its ends (optional white space, RFC 9110
    /// section 5.6.3).
    var trimmed: Substring {
        let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        guard let first = utf8.firstIndex(where: { !isBlank($0) }),
            let last = utf8.lastIndex(where: { !isBlank($0) })
        else { return "" }
        return Substring(utf8[first...last])
    }
}
