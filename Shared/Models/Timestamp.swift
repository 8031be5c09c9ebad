/// A moment in UTC, to the millisecond. It parses every form that the two vendors send
/// (PagerDuty.md 3, Salesforce.md 37).
public struct Timestamp: Hashable, Comparable, Sendable {
    /// The milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
    public let milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }
    public init(seconds: Int64) { milliseconds = seconds * 1000 }

    public var seconds: Int64 { Self.floorDivided(milliseconds, 1000).quotient }

    public static func < (a: Self, b: Self) -> Bool { a.milliseconds < b.milliseconds }

    /// Fractions of a millisecond are cut off.
    public func advanced(by duration: Duration) -> Timestamp {
        Timestamp(milliseconds: milliseconds + Int64(duration / .milliseconds(1)))
    }

    static func floorDivided(_ a: Int64, _ b: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = a.quotientAndRemainder(dividingBy: b)
        return remainder < 0 ? (quotient - 1, remainder + b) : (quotient, remainder)
    }
}

extension Timestamp {
    /// `2026-03-02T09:15:04.250Z`, with `Z`, `+00:00`, `+0000` or any other offset; the fraction
    /// may be absent; a date alone is its midnight in UTC.
    public init?(_ text: String) {
        var scanner = Scanner(bytes: Array(text.utf8))
        guard let days = scanner.date() else { return nil }
        if scanner.isAtEnd {
            self.init(milliseconds: days * 86_400_000)
            return
        }
        guard scanner.skip("T") || scanner.skip("t") || scanner.skip(" "),
            let clock = scanner.clock(), let offset = scanner.offset(), scanner.isAtEnd
        else { return nil }
        self.init(milliseconds: days * 86_400_000 + clock - offset)
    }

    /// `2026-03-02T09:15:04.250Z`: ISO 8601 with three digits of fraction, in UTC.
    public var iso8601: String {
        let (days, inDay) = Self.floorDivided(milliseconds, 86_400_000)
        let (year, month, day) = Self.civil(fromDays: days)
        let date = "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))"
        let hour = Self.padded(inDay / 3_600_000, 2)
        let minute = Self.padded(inDay / 60_000 % 60, 2)
        let second = Self.padded(inDay / 1000 % 60, 2)
        return "\(date)T\(hour):\(minute):\(second).\(Self.padded(inDay % 1000, 3))Z"
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// The days since 1970-01-01 of the proleptic Gregorian calendar, counted in eras of 400 years.
    static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = floorDivided(shifted, 400)
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = floorDivided(days + 719_468, 146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }
}

extension Timestamp: CustomStringConvertible {
    public var description: String { iso8601 }
}

private struct Scanner {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else {
            return false
        }
        position += 1
        return true
    }

    mutating func number(digits: Int) -> Int64? {
        guard position + digits <= bytes.count else { return nil }
        var value: Int64 = 0
        for byte in bytes[position..<(position + digits)] {
            guard (0x30...0x39).contains(byte) else { return nil }
            value = value * 10 + Int64(byte - 0x30)
        }
        position += digits
        return value
    }

    mutating func date() -> Int64? {
        guard let year = number(digits: 4), skip("-"), let month = number(digits: 2), skip("-"),
            let day = number(digits: 2), (1...12).contains(month), day >= 1
        else { return nil }
        let days = Timestamp.days(year: year, month: month, day: day)
        return Timestamp.civil(fromDays: days) == (year, month, day) ? days : nil
    }

    /// The milliseconds since midnight; digits beyond the third of the fraction are dropped.
    mutating func clock() -> Int64? {
        guard let hour = number(digits: 2), skip(":"), let minute = number(digits: 2),
            hour < 24, minute < 60
        else { return nil }
        var milliseconds = (hour * 60 + minute) * 60_000
        guard skip(":") else { return milliseconds }
        guard let second = number(digits: 2), second <= 60 else { return nil }
        milliseconds += min(second, 59) * 1000
        guard skip(".") || skip(",") else { return milliseconds }
        var unit: Int64 = 100
        var digits = 0
        while let digit = number(digits: 1) {
            milliseconds += digit * unit
            unit /= 10
            digits += 1
        }
        return digits > 0 ? milliseconds : nil
    }

    /// The milliseconds by which local time is ahead of UTC.
    mutating func offset() -> Int64? {
        if skip("Z") || skip("z") { return 0 }
        let sign: Int64
        if skip("+") { sign = 1 } else if skip("-") { sign = -1 } else { return nil }
        guard let hour = number(digits: 2) else { return nil }
        if isAtEnd { return sign * hour * 3_600_000 }
        _ = skip(":")
        guard let minute = number(digits: 2), hour < 24, minute < 60 else { return nil }
        return sign * (hour * 60 + minute) * 60_000
    }
}
