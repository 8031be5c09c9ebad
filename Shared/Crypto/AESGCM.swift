import CCrypto

public enum AESGCMError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The key has another length than 32 bytes.
    case keyLength(Int)
    /// The key or the associated data is wrong, or the bytes were cut or changed; the cipher cannot
    /// tell which.
    case notAuthentic

    public var description: String {
        switch self {
        case .keyLength(let count): "an AES-256 key has 32 bytes, not \(count)"
        case .notAuthentic:
            "the sealed value does not open: the key or its place is another, or it was changed"
        }
    }
}

/// AES-256 in Galois/Counter Mode (NIST SP 800-38D). A sealed text is
/// nonce (12 bytes) | ciphertext | tag (16 bytes).
public enum AESGCM {
    public static let keyByteCount = 32
    public static let nonceByteCount = 12
    public static let tagByteCount = 16

    /// The nonce is random: with one key, stay well under 2^32 calls.
    /// `associatedData` is authenticated, not stored: give the row's identity, so that a sealed
    /// value cannot be moved to another row.
    public static func seal(
        _ plaintext: [UInt8], key: [UInt8], associatedData: [UInt8] = []
    ) throws(AESGCMError) -> [UInt8] {
        try seal(
            plaintext, key: key, nonce: SecureRandom.bytes(nonceByteCount),
            associatedData: associatedData)
    }

    public static func open(
        _ sealed: [UInt8], key: [UInt8], associatedData: [UInt8] = []
    ) throws(AESGCMError) -> [UInt8] {
        guard key.count == keyByteCount else { throw .keyLength(key.count) }
        guard sealed.count >= nonceByteCount + tagByteCount else { throw .notAuthentic }
        let nonce = Array(sealed.prefix(nonceByteCount))
        let ciphertext = Array(sealed.dropFirst(nonceByteCount).dropLast(tagByteCount))
        var tag = Array(sealed.suffix(tagByteCount))
        let context = EVP_CIPHER_CTX_new()
        defer { EVP_CIPHER_CTX_free(context) }
        defer { ERR_clear_error() }
        var plaintext = [UInt8](repeating: 0, count: ciphertext.count + 1)
        var count: Int32 = 0
        guard EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce) == 1,
            EVP_DecryptUpdate(context, nil, &count, associatedData, Int32(associatedData.count))
                == 1,
            EVP_DecryptUpdate(context, &plaintext, &count, ciphertext, Int32(ciphertext.count))
                == 1,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tagByteCount), &tag) == 1
        else { throw .notAuthentic }
        var rest: Int32 = 0
        var tail = [UInt8](repeating: 0, count: tagByteCount)
        guard EVP_DecryptFinal_ex(context, &tail, &rest) == 1 else { throw .notAuthentic }
        return Array(plaintext.prefix(ciphertext.count))
    }

    static func seal(
        _ plaintext: [UInt8], key: [UInt8], nonce: [UInt8], associatedData: [UInt8]
    ) throws(AESGCMError) -> [UInt8] {
        guard key.count == keyByteCount else { throw .keyLength(key.count) }
        let context = EVP_CIPHER_CTX_new()
        defer { EVP_CIPHER_CTX_free(context) }
        var ciphertext = [UInt8](repeating: 0, count: plaintext.count + tagByteCount)
        var tag = [UInt8](repeating: 0, count: tagByteCount)
        var count: Int32 = 0
        let done =
            EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce) == 1
            && EVP_EncryptUpdate(context, nil, &count, associatedData, Int32(associatedData.count))
                == 1
            && EVP_EncryptUpdate(context, &ciphertext, &count, plaintext, Int32(plaintext.count))
                == 1
            && EVP_EncryptFinal_ex(context, &tag, &count) == 1
            && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tagByteCount), &tag) == 1
        precondition(done, "libcrypto has no AES-256-GCM")
        return nonce + ciphertext.prefix(plaintext.count) + tag
    }
}
