/// A value that must not appear in a log, trace, error or answer. Every way of printing or
/// reflecting it gives the same fixed word; only ``revealed`` returns the value.
public struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The value itself. Callers pass it on and do not keep it.
    public let revealed: String

    public init(_ value: String) { revealed = value }

    public var description: String { "(secret)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
