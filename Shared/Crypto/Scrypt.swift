import CCrypto

/// Password hashes by scrypt (RFC 7914). The encoded form carries its parameters:
/// `$scrypt$ln=15,r=8,p=1$<salt>$<hash>`, unpadded Base64.
public enum Scrypt {
    /// `log2N`: binary logarithm of the number of rounds. Memory is `128 * 2^log2N * r` bytes.
    public struct Cost: Sendable, Equatable {
        public let log2N: Int
        public let r: Int
        public let p: Int

        /// Nil beyond 128 MiB or a parallelism of 16, so that a forged encoded text cannot exhaust
        /// the process.
        public init?(log2N: Int, r: Int, p: Int) {
            guard (1...20).contains(log2N), (1...16).contains(r), (1...16).contains(p),
                128 * r << log2N <= memoryBytesMax
            else { return nil }
            self.init(checkedLog2N: log2N, r: r, p: p)
        }

        private init(checkedLog2N log2N: Int, r: Int, p: Int) {
            self.log2N = log2N
            self.r = r
            self.p = p
        }

        /// 32 MiB and about a tenth of a second.
        public static let interactive = Cost(checkedLog2N: 15, r: 8, p: 1)
    }

    static let memoryBytesMax = 128 << 20
    private static let saltByteCount = 16
    private static let hashByteCount = 32

    public static func hash(_ password: String, cost: Cost = .interactive) -> String {
        let salt = SecureRandom.bytes(saltByteCount)
        let hash = derive(Array(password.utf8), salt, cost, count: hashByteCount)
        return "$scrypt$ln=\(cost.log2N),r=\(cost.r),p=\(cost.p)"
            + "$\(unpadded(salt))$\(unpadded(hash))"
    }

    /// False also for an encoded text that is not one of ours.
    public static func verify(_ password: String, against encoded: String) -> Bool {
        guard let (cost, salt, expected) = parse(encoded) else { return false }
        let actual = derive(Array(password.utf8), salt, cost, count: expected.count)
        return constantTimeEqual(actual, expected)
    }

    static func derive(
        _ password: [UInt8], _ salt: [UInt8], _ cost: Cost, count: Int
    ) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: count)
        let done = password.withUnsafeBytes { bytes in
            EVP_PBE_scrypt(
                bytes.assumingMemoryBound(to: CChar.self).baseAddress, bytes.count,
                salt, salt.count, 1 << UInt64(cost.log2N), UInt64(cost.r), UInt64(cost.p),
                UInt64(memoryBytesMax) * 2, &output, count)
        }
        precondition(done == 1, "no memory for scrypt")
        return output
    }

    private static func parse(_ encoded: String) -> (Cost, salt: [UInt8], hash: [UInt8])? {
        let parts = encoded.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt" else { return nil }
        let numbers = parts[2].split(separator: ",", omittingEmptySubsequences: false)
        guard numbers.count == 3,
            let log2N = number(numbers[0], after: "ln="),
            let r = number(numbers[1], after: "r="),
            let p = number(numbers[2], after: "p="),
            let cost = Cost(log2N: log2N, r: r, p: p),
            let salt = decoded(parts[3]), let hash = decoded(parts[4]),
            hash.count == hashByteCount
        else { return nil }
        return (cost, salt, hash)
    }

    private static func number(_ text: Substring, after prefix: String) -> Int? {
        text.hasPrefix(prefix) ? Int(text.dropFirst(prefix.count)) : nil
    }

    private static func unpadded(_ bytes: [UInt8]) -> String {
        String(Base64.encode(bytes).prefix { $0 != "=" })
    }

    private static func decoded(_ text: Substring) -> [UInt8]? {
        Base64.decode(text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4))
    }
}
