/// Base 64 and its URL-safe alphabet (RFC 4648 sections 4 and 5), strict: one text per value.
public enum Base64 {
    public static func encode(_ bytes: [UInt8]) -> String {
        let text = characters(bytes, in: standard)
        return text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
    }

    /// URL-safe, unpadded.
    public static func encodeURL(_ bytes: [UInt8]) -> String {
        characters(bytes, in: urlSafe)
    }

    /// Requires the padding; refuses blanks, line ends and set bits after the value.
    public static func decode(_ text: some StringProtocol) -> [UInt8]? {
        let symbols = Array(text.utf8)
        guard symbols.count.isMultiple(of: 4) else { return nil }
        let padding = symbols.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        guard padding <= 2 else { return nil }
        return bytes(symbols.dropLast(padding), in: standardValues)
    }

    /// URL-safe, unpadded; refuses padding, blanks and set bits after the value.
    public static func decodeURL(_ text: some StringProtocol) -> [UInt8]? {
        bytes(Array(text.utf8)[...], in: urlSafeValues)
    }

    private static let common = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    private static let standard = Array((common + "+/").utf8)
    private static let urlSafe = Array((common + "-_").utf8)
    private static let standardValues = values(of: standard)
    private static let urlSafeValues = values(of: urlSafe)
    private static let invalid: UInt8 = 0xFF

    private static func values(of alphabet: [UInt8]) -> [UInt8] {
        var table = [UInt8](repeating: invalid, count: 256)
        for (value, character) in alphabet.enumerated() { table[Int(character)] = UInt8(value) }
        return table
    }

    private static func characters(_ bytes: [UInt8], in alphabet: [UInt8]) -> String {
        let count = (bytes.count * 8 + 5) / 6
        return String(unsafeUninitializedCapacity: count) { buffer in
            var pending: UInt32 = 0
            var bits = 0
            var written = 0
            for byte in bytes {
                pending = pending << 8 | UInt32(byte)
                bits += 8
                while bits >= 6 {
                    bits -= 6
                    buffer[written] = alphabet[Int(pending >> UInt32(bits) & 63)]
                    written += 1
                }
            }
            if bits > 0 {
                buffer[written] = alphabet[Int(pending << UInt32(6 - bits) & 63)]
                written += 1
            }
            return written
        }
    }

    private static func bytes(_ symbols: ArraySlice<UInt8>, in values: [UInt8]) -> [UInt8]? {
        guard symbols.count % 4 != 1 else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(symbols.count * 3 / 4)
        var pending: UInt32 = 0
        var bits = 0
        for symbol in symbols {
            let value = values[Int(symbol)]
            guard value != invalid else { return nil }
            pending = pending << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                output.append(UInt8(truncatingIfNeeded: pending >> UInt32(bits)))
            }
        }
        return pending & (1 << UInt32(bits) - 1) == 0 ? output : nil
    }
}
