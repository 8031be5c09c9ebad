/// How long what is kept.
public struct Retention: Sendable {
    /// Events with their ledger and effects, in days.
    public var logDays = 30
    static let segmentsAhead: Int32 = 3

    public init() {}
}
