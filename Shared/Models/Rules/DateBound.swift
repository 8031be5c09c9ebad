/// A time as people write it in a rule: a date-time, or a date, which means its whole day in UTC.
public struct DateBound: Hashable, Sendable, CustomStringConvertible {
    public let first: Timestamp
    /// The same as `first` unless a day is meant.
    public let last: Timestamp

    /// Every form of a `Timestamp`.
    public init?(_ text: String) {
        guard let moment = Timestamp(text) else { return nil }
        guard text.utf8.count == Self.dateBytes else {
            self.init(moment)
            return
        }
        self.init(
            first: moment, last: Timestamp(milliseconds: moment.milliseconds + 86_399_999))
    }

    public init(_ moment: Timestamp) { self.init(first: moment, last: moment) }

    private init(first: Timestamp, last: Timestamp) {
        self.first = first
        self.last = last
    }

    /// The form in a rule: `2026-03-02`, or ISO 8601 in UTC.
    public var description: String {
        first == last ? first.iso8601 : String(first.iso8601.prefix(Self.dateBytes))
    }

    private static let dateBytes = "2026-03-02".utf8.count
}
