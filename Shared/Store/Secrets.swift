/// The keys that seal the secrets of connections.
public struct SecretKeys: Sendable {
    public let current: String
    let keys: [String: [UInt8]]
    public init(current: String, keys: [String: [UInt8]]) {
        self.current = current
        self.keys = keys
    }
}
