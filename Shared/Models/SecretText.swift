/// A token, a key or a shared secret. It prints as `(secret)`: neither a log, a trace, an error nor
/// an answer shows it by accident; code that needs the text asks for it by name.
public struct SecretText: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    public let revealed: String

    public init(_ text: String) { revealed = text }

    public var description: String { "(secret)" }
    public var debugDescription: String { "(secret)" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
