/// A Salesforce record id. It is kept in the 18-character form and compared on the first 15, which
/// are case-sensitive (Salesforce.md 33).
public struct RecordID: Sendable {
    /// 18 characters.
    public let long: String

    /// 15 characters: the identity.
    public var key: String { String(long.prefix(15)) }

    /// The first three characters, which tell the record's object within one organisation.
    public var keyPrefix: String { String(long.prefix(3)) }

    /// Accepts 15 or 18 letters and digits. A wrong suffix is accepted too: published samples carry
    /// some, and it is not part of the identity.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 15 || bytes.count == 18, bytes.allSatisfy(Self.isAlphanumeric) else {
            return nil
        }
        long = bytes.count == 18 ? text : text + Self.suffix(of: bytes)
    }

    /// Each suffix character tells which of five characters are upper case, the first one in the
    /// least significant bit.
    private static func suffix(of bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".utf8)
        let characters = stride(from: 0, to: 15, by: 5).map { start in
            alphabet[
                (0..<5).reduce(0) { bits, position in
                    (0x41...0x5A).contains(bytes[start + position]) ? bits | 1 << position : bits
                }]
        }
        return String(decoding: characters, as: UTF8.self)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}

extension RecordID: Hashable, Comparable, CustomStringConvertible {
    public static func == (a: Self, b: Self) -> Bool { a.key == b.key }
    public func hash(into hasher: inout Hasher) { hasher.combine(key) }
    public static func < (a: Self, b: Self) -> Bool { a.key < b.key }
    public var description: String { long }
}
