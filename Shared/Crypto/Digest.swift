import CCrypto

/// SHA-256 (FIPS 180-4).
public enum SHA256 {
    public static let byteCount = 32

    /// Looked up once: a look-up at every use costs more than a short digest.
    private nonisolated(unsafe) static let algorithm = EVP_MD_fetch(nil, "SHA256", nil)

    public static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: byteCount)
        let done = EVP_Digest(bytes, bytes.count, &output, nil, algorithm, nil)
        precondition(done == 1, "libcrypto has no SHA-256")
        return output
    }
}

/// HMAC with SHA-256 (RFC 2104). A key of any length is accepted, the empty one too.
public enum HMACSHA256 {
    public static let byteCount = 32

    /// A context without a key. The algorithms are looked up once; every use takes a copy.
    private nonisolated(unsafe) static let prototype: OpaquePointer? = {
        let algorithm = EVP_MAC_fetch(nil, "HMAC", nil)
        defer { EVP_MAC_free(algorithm) }
        let context = EVP_MAC_CTX_new(algorithm)
        var digest = Array("SHA256".utf8CString)
        // The parameter keeps the pointers, so both texts must outlive the call that reads it.
        let done = "digest".withCString { key in
            digest.withUnsafeMutableBufferPointer { name in
                EVP_MAC_CTX_set_params(
                    context,
                    [
                        OSSL_PARAM_construct_utf8_string(key, name.baseAddress, 0),
                        OSSL_PARAM_construct_end(),
                    ])
            }
        }
        precondition(done == 1, "libcrypto has no HMAC-SHA-256")
        return context
    }()

    public static func authenticationCode(key: [UInt8], message: [UInt8]) -> [UInt8] {
        let context = EVP_MAC_CTX_dup(prototype)
        defer { EVP_MAC_CTX_free(context) }
        var output = [UInt8](repeating: 0, count: byteCount)
        var length = 0
        // A null pointer would mean the key of the previous use.
        let done =
            EVP_MAC_init(context, key.isEmpty ? [0] : key, key.count, nil) == 1
            && EVP_MAC_update(context, message, message.count) == 1
            && EVP_MAC_final(context, &output, &length, byteCount) == 1
        precondition(done && length == byteCount, "libcrypto cannot compute HMAC-SHA-256")
        return output
    }
}

/// True if both are equal. The comparison takes a time that depends on their length only. The
/// length is no secret: unequal lengths return at once.
public func constantTimeEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0
}

/// The kernel-seeded generator of libcrypto.
public enum SecureRandom {
    /// Ends the process when the system has no entropy to give: no caller could go on safely.
    public static func bytes(_ count: Int) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: count)
        precondition(RAND_bytes(&output, Int32(count)) == 1, "no entropy")
        return output
    }
}
