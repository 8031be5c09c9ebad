import CCrypto

/// A key object of libcrypto, freed when it goes out of scope.
struct EVPKey: ~Copyable {
    typealias Parser =
        @Sendable (UnsafeMutablePointer<UnsafePointer<UInt8>?>, Int) -> OpaquePointer?

    let pointer: OpaquePointer

    init?(owning pointer: OpaquePointer?) {
        guard let pointer else { return nil }
        self.pointer = pointer
    }

    /// `parser` is one of libcrypto's `d2i_` functions. Returns nil if it does not understand `der`
    /// or leaves a part of it over.
    init?(parsing der: [UInt8], with parser: Parser) {
        defer { ERR_clear_error() }
        let parsed = der.withUnsafeBufferPointer { buffer -> OpaquePointer? in
            var cursor = buffer.baseAddress
            guard let key = parser(&cursor, buffer.count) else { return nil }
            guard cursor == buffer.baseAddress.map({ $0 + buffer.count }) else {
                EVP_PKEY_free(key)
                return nil
            }
            return key
        }
        self.init(owning: parsed)
    }

    deinit { EVP_PKEY_free(pointer) }

    consuming func requireRSA() throws(KeyError) -> EVPKey {
        guard EVP_PKEY_get_base_id(pointer) == EVP_PKEY_RSA else {
            let name = EVP_PKEY_get0_type_name(pointer).map { String(cString: $0) }
            throw .notRSA(algorithm: name ?? "unknown")
        }
        let bits = Int(EVP_PKEY_get_bits(pointer))
        guard bits >= KeyError.bitsMin else { throw .tooShort(bits: bits) }
        return self
    }

    var subjectPublicKeyInfo: [UInt8] {
        var output: UnsafeMutablePointer<UInt8>?
        return Self.take(i2d_PUBKEY(pointer, &output), output)
    }

    var pkcs8: [UInt8] {
        let info = EVP_PKEY2PKCS8(pointer)
        defer { PKCS8_PRIV_KEY_INFO_free(info) }
        var output: UnsafeMutablePointer<UInt8>?
        return Self.take(i2d_PKCS8_PRIV_KEY_INFO(info, &output), output)
    }

    /// Copies what an `i2d_` function allocated, and wipes the original.
    private static func take(_ count: Int32, _ output: UnsafeMutablePointer<UInt8>?) -> [UInt8] {
        guard count > 0, let output else { return [] }
        defer { CRYPTO_clear_free(output, Int(count), #file, #line) }
        return Array(UnsafeBufferPointer(start: output, count: Int(count)))
    }
}
