/// A key that cannot be used. The description is for the person who pasted it and holds nothing of
/// the key.
public enum KeyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The text holds no `-----BEGIN ..-----` block, not even behind Base64.
    case notPEM
    /// The text is PEM, but of another kind than asked for; `found` are its labels.
    case wrongKind(found: String)
    /// The key is protected by a passphrase, which a service cannot type.
    case encrypted
    /// The algorithm is not RSA: `EC`, `ED25519` ...
    case notRSA(algorithm: String)
    case tooShort(bits: Int)
    /// The block is damaged: not Base64, or not the structure its label promises.
    case malformed
    /// libcrypto refused a key that it had accepted before.
    case unusable

    /// Shorter RSA keys are refused (NIST SP 800-131A).
    public static let bitsMin = 2048

    public var description: String {
        switch self {
        case .notPEM:
            "the text is not a PEM key: no line \"-----BEGIN ...-----\" was found"
        case .wrongKind(let found):
            "the PEM text holds \(found), which is not the kind of key needed here"
        case .encrypted:
            "the private key is encrypted with a passphrase; store it without one"
        case .notRSA(let algorithm):
            "the key is of type \(algorithm); RS256 needs an RSA key"
        case .tooShort(let bits):
            "the RSA key has \(bits) bits; at least \(Self.bitsMin) are needed"
        case .malformed:
            "the PEM text is damaged"
        case .unusable:
            "libcrypto could not use the key"
        }
    }
}
