/// An identifier that is only compared, never taken apart.
public protocol Identifier: RawRepresentable, Hashable, Comparable, Sendable,
    CustomStringConvertible, ExpressibleByStringLiteral
where RawValue == String {
    init(rawValue: String)
}

extension Identifier {
    public init(_ value: String) { self.init(rawValue: value) }
    public init(stringLiteral value: String) { self.init(rawValue: value) }
    public var description: String { rawValue }
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// A number that is a name: compared and stored, never calculated with.
public protocol NumericIdentifier: RawRepresentable, Hashable, Comparable, Sendable,
    CustomStringConvertible, ExpressibleByIntegerLiteral
where RawValue: FixedWidthInteger {
    init(rawValue: RawValue)
}

extension NumericIdentifier {
    public init(_ value: RawValue) { self.init(rawValue: value) }
    public init(integerLiteral value: RawValue) { self.init(rawValue: value) }
    public var description: String { String(rawValue) }
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// A bridge between one PagerDuty account and one Salesforce organisation, by the short name that
/// its administrator gave it. It is part of the webhook URLs.
public struct ConnectionID: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Lower-case letters, digits and hyphens, 1 to 40: it is part of a URL.
    public var isWellFormed: Bool {
        (1...40).contains(rawValue.utf8.count)
            && rawValue.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
            }
    }
}

/// One event in the log, unique within its connection. It is made from the vendor's own id where
/// there is one, so that the same message makes the same id.
public struct EventID: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

/// PagerDuty's incident id: opaque, 7 or 14 characters today (PagerDuty.md 10).
public struct IncidentID: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

/// A rule within its connection: `ruleset/rule`.
public struct RuleID: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public init(ruleset: String, rule: String) { rawValue = "\(ruleset)/\(rule)" }
}
