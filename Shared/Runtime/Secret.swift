/// A value that must not appear in a log, trace, error or answer. Every way of printing or
/// reflecting it gives the same fixed word; the only way out is ``revealed``, which is easy to
/// find.
public struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The value itself. Hand it on, do not keep it.
    public let revealed: String

    public init(_ value: String) { revealed = value }

    public var description: String { "(secret)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
