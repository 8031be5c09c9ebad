import CCrypto

/// An RSA private key of at least 2,048 bits that signs RS256 (RSASSA-PKCS1-v1_5 with SHA-256,
/// RFC 8017 section 8.2). Kept as bytes, so that it is `Sendable`; parsing it for every signature
/// costs a tenth of the signature.
public struct RSAPrivateKey: Sendable {
    /// The key as unencrypted PKCS#8.
    private let der: [UInt8]
    private let publicDER: [UInt8]

    /// PKCS#8 or PKCS#1. Tolerates CRLF, blanks, `\n` spelled out, and PEM wrapped in Base64.
    public init(pem: String) throws(KeyError) {
        let blocks = try PEMBlock.blocks(in: pem)
        guard let block = blocks.first(where: { $0.label.hasSuffix("PRIVATE KEY") }) else {
            throw .wrongKind(found: blocks.map(\.label).joined(separator: ", "))
        }
        if block.isEncrypted || block.label.hasPrefix("ENCRYPTED ") { throw .encrypted }
        guard let key = EVPKey(parsing: block.der, with: { d2i_AutoPrivateKey(nil, $0, $1) })
        else { throw .malformed }
        self.init(try key.requireRSA())
    }

    private init(_ key: consuming EVPKey) {
        der = key.pkcs8
        publicDER = key.subjectPublicKeyInfo
    }

    /// A new key; for tests, the sandbox and set-up commands. Takes up to seconds.
    public static func generate(bits: Int = KeyError.bitsMin) throws(KeyError) -> RSAPrivateKey {
        guard bits >= KeyError.bitsMin else { throw .tooShort(bits: bits) }
        let context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, nil)
        defer { EVP_PKEY_CTX_free(context) }
        var pointer: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1,
            EVP_PKEY_CTX_set_rsa_keygen_bits(context, Int32(bits)) == 1,
            EVP_PKEY_generate(context, &pointer) == 1,
            let key = EVPKey(owning: pointer)
        else { throw .unusable }
        return RSAPrivateKey(key)
    }

    public func signRS256(_ message: [UInt8]) throws(KeyError) -> [UInt8] {
        let key = try parsed()
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        var signature = [UInt8](repeating: 0, count: Int(EVP_PKEY_get_size(key.pointer)))
        var length = signature.count
        guard EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key.pointer) == 1,
            EVP_DigestSign(context, &signature, &length, message, message.count) == 1
        else { throw .unusable }
        return Array(signature.prefix(length))
    }

    /// PKCS#8 (`BEGIN PRIVATE KEY`), whatever the key was read from.
    public var pem: String { PEMBlock(label: "PRIVATE KEY", der: der).pem() }

    /// The public half as X.509 SubjectPublicKeyInfo (`BEGIN PUBLIC KEY`).
    public var publicPEM: String { PEMBlock(label: "PUBLIC KEY", der: publicDER).pem() }

    private func parsed() throws(KeyError) -> EVPKey {
        guard let key = EVPKey(parsing: der, with: { d2i_AutoPrivateKey(nil, $0, $1) })
        else { throw .unusable }
        return key
    }
}

extension RSAPrivateKey: CustomStringConvertible, CustomReflectable {
    /// The description never holds the key.
    public var description: String { "RSAPrivateKey" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// An RSA public key of at least 2,048 bits.
public struct RSAPublicKey: Sendable {
    /// X.509 SubjectPublicKeyInfo.
    private let der: [UInt8]

    /// `BEGIN PUBLIC KEY`, `BEGIN RSA PUBLIC KEY` or an X.509 certificate, whose validity dates and
    /// issuer are not looked at: the key was handed over by hand.
    public init(pem: String) throws(KeyError) {
        let blocks = try PEMBlock.blocks(in: pem)
        for block in blocks {
            guard let parse = Self.parsers[block.label] else { continue }
            guard let key = EVPKey(parsing: block.der, with: parse) else { throw .malformed }
            der = try key.requireRSA().subjectPublicKeyInfo
            return
        }
        throw .wrongKind(found: blocks.map(\.label).joined(separator: ", "))
    }

    /// False for any signature that is not exactly this key's over `message`.
    public func verifyRS256(signature: [UInt8], message: [UInt8]) -> Bool {
        guard let key = EVPKey(parsing: der, with: { d2i_PUBKEY(nil, $0, $1) }) else {
            return false
        }
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        defer { ERR_clear_error() }
        return EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key.pointer) == 1
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }

    private static let parsers: [String: EVPKey.Parser] = [
        "PUBLIC KEY": { d2i_PUBKEY(nil, $0, $1) },
        "RSA PUBLIC KEY": { d2i_PublicKey(EVP_PKEY_RSA, nil, $0, $1) },
        "CERTIFICATE": { input, length in
            guard let certificate = d2i_X509(nil, input, length) else { return nil }
            defer { X509_free(certificate) }
            return X509_get_pubkey(certificate)
        },
    ]
}
