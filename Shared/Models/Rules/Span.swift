/// A length of time as people write it in a rule: `90s`, `30m`, `24h`, `7d`. A day is 24 hours.
public struct Span: Hashable, Sendable, CustomStringConvertible {
    public enum Unit: Character, CaseIterable, Sendable {
        case seconds = "s"
        case minutes = "m"
        case hours = "h"
        case days = "d"

        var seconds: Int64 {
            switch self {
            case .seconds: 1
            case .minutes: 60
            case .hours: 3600
            case .days: 86_400
            }
        }
    }

    public let count: Int
    public let unit: Unit

    /// - Parameter text: 1 to 6 digits and a unit.
    public init?(_ text: String) {
        guard let last = text.last, let unit = Unit(rawValue: last) else { return nil }
        let digits = text.dropLast()
        guard (1...6).contains(digits.count),
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(digits)
        else { return nil }
        self.count = count
        self.unit = unit
    }

    public var seconds: Int64 { Int64(count) * unit.seconds }
    public var description: String { "\(count)\(unit.rawValue)" }
}
