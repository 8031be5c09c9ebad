import Crypto
import Models

/// The keys that seal the secrets of connections, with AES-256-GCM. A row names the key that sealed
/// it, so old rows can still be read after another key became the current one.
public struct SecretKeys: Sendable {
    private let current: String
    private let keys: [String: [UInt8]]

    /// - Parameters:
    ///   - current: the name of the key that seals from now on.
    ///   - keys: 32 bytes each, by name.
    public init(current: String, keys: [String: [UInt8]]) throws(SecretKeyError) {
        guard keys[current] != nil else { throw .missing(name: current) }
        for (name, key) in keys where key.count != AESGCM.keyByteCount {
            throw .length(name: name, bytes: key.count)
        }
        self.current = current
        self.keys = keys
    }

    private init() {
        current = ""
        keys = [:]
    }

    /// Keys that open and seal nothing.
    static let none = SecretKeys()

    /// Takes one key. Its name is the beginning of its hash, which reveals nothing about it.
    public init(_ key: [UInt8]) throws(SecretKeyError) {
        let name = Hex.encode(Array(SHA256.digest(Array("key name\0".utf8) + key).prefix(4)))
        try self.init(current: name, keys: [name: key])
    }

    /// Reads one key of a setting: 32 bytes in Base64 or as 64 hexadecimal digits.
    public init(text: String) throws(SecretKeyError) {
        let isHexadecimal = text.utf8.count == 2 * AESGCM.keyByteCount
        guard let key = isHexadecimal ? Hex.decode(text) : Base64.decode(text),
            key.count == AESGCM.keyByteCount
        else { throw .unreadable }
        try self.init(key)
    }

    struct Sealed {
        let keyID: String
        let bytes: [UInt8]
    }

    /// - Parameter place: the row, which is authenticated with the secret: a sealed value that was
    ///   moved to another row does not open.
    func seal(_ secret: SecretText, at place: String) throws(StoreError) -> Sealed {
        do {
            let bytes = try AESGCM.seal(
                Array(secret.revealed.utf8), key: keys[current] ?? [],
                associatedData: Array(place.utf8))
            return Sealed(keyID: current, bytes: bytes)
        } catch {
            throw .bug("a secret could not be sealed")
        }
    }

    func open(_ sealed: Sealed, at place: String) throws(StoreError) -> SecretText {
        guard let key = keys[sealed.keyID] else {
            throw .notFound(.secretKey(sealed.keyID))
        }
        do {
            let bytes = try AESGCM.open(
                sealed.bytes, key: key, associatedData: Array(place.utf8))
            return SecretText(String(decoding: bytes, as: UTF8.self))
        } catch {
            throw .corrupt("the secret \(place) does not open with the key \(sealed.keyID)")
        }
    }
}

/// The reason why a key cannot seal secrets, as the end of a sentence that names the setting.
public enum SecretKeyError: Error, Equatable, Sendable, CustomStringConvertible {
    case missing(name: String)
    case length(name: String, bytes: Int)
    case unreadable

    public var description: String {
        switch self {
        case .missing(let name): "holds no key \(name)"
        case .length(let name, let bytes):
            "holds a key \(name) of \(bytes) bytes instead of \(AESGCM.keyByteCount)"
        case .unreadable:
            "must be \(AESGCM.keyByteCount) bytes, in Base64 or as "
                + "\(2 * AESGCM.keyByteCount) hexadecimal digits"
        }
    }
}
