import CCrypto

/// SHA-256 (FIPS 180-4).
public enum SHA256 {
    public static let byteCount = 32

    public static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: byteCount)
        let done = EVP_Digest(bytes, bytes.count, &output, nil, EVP_sha256(), nil)
        precondition(done == 1, "libcrypto has no SHA-256")
        return output
    }
}

/// HMAC with SHA-256 (RFC 2104). A key of any length is accepted, the empty one too.
public enum HMACSHA256 {
    public static let byteCount = 32

    public static func authenticationCode(key: [UInt8], message: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: byteCount)
        var length: UInt32 = 0
        let done = HMAC(
            EVP_sha256(), key, Int32(key.count), message, message.count, &output, &length)
        precondition(done != nil && length == UInt32(byteCount), "libcrypto has no HMAC-SHA-256")
        return output
    }
}

/// Whether both are equal, in a time that depends on their length only. The length is no secret:
/// unequal lengths answer at once.
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
