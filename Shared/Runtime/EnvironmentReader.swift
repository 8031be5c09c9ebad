/// Reads a process's configuration from its environment, once and whole.
///
/// A getter never throws: it notes a problem and returns a stand-in, so that one start reports
/// every problem. The stand-ins cannot escape, because ``read(_:prefix:_:)`` throws instead of
/// returning when there was any problem.
///
/// A name with the prefix that no getter reads is a problem too: it is a misspelt limit that would
/// otherwise be ignored in silence. An empty value is a problem; leave the variable out.
public struct EnvironmentReader: ~Copyable {
    /// Upper limit of a file that a `NAME_FILE` variable points at.
    public static let secretBytesMax = 65_536

    private let variables: [String: String]
    private let prefix: String
    private var known: Set<String> = []
    private var problems: [String] = []

    private init(_ variables: [String: String], prefix: String) {
        self.variables = variables
        self.prefix = prefix
    }

    /// Runs `body` over the variables whose names start with `prefix`.
    /// Names inside `body` are given without the prefix.
    public static func read<Value>(
        _ variables: [String: String], prefix: String = "LIAISON_",
        _ body: (inout EnvironmentReader) -> Value
    ) throws(ConfigurationProblems) -> Value {
        var reader = EnvironmentReader(variables, prefix: prefix)
        let value = body(&reader)
        let lines = reader.problems + reader.unknownNames
        guard lines.isEmpty else { throw ConfigurationProblems(lines: lines) }
        return value
    }

    /// Notes a problem that no getter sees by itself, such as two values that contradict.
    public mutating func problem(_ name: String, _ sentence: String) {
        problems.append("\(prefix)\(name) \(sentence)")
    }

    private var unknownNames: [String] {
        variables.keys
            .filter { $0.hasPrefix(prefix) && !known.contains($0) }
            .sorted()
            .map { "\($0) is not a setting of this program; check its spelling" }
    }

    /// The variable's text; nil when it is absent, or empty (which is noted).
    private mutating func text(_ name: String) -> String? {
        known.insert(prefix + name)
        guard let value = variables[prefix + name] else { return nil }
        guard !value.isEmpty else {
            problem(name, "is empty; leave it out to get its default")
            return nil
        }
        return value
    }

    private mutating func required<Value>(_ name: String, standIn: Value) -> Value {
        if variables[prefix + name] == nil { problem(name, "is missing") }
        return standIn
    }
}

extension EnvironmentReader {
    public mutating func string(_ name: String, default fallback: String? = nil) -> String {
        if let value = text(name) { return value }
        return fallback ?? required(name, standIn: "")
    }

    /// A whole number, inclusive of both ends of `range`.
    public mutating func integer(
        _ name: String, in range: ClosedRange<Int>, default fallback: Int? = nil
    ) -> Int {
        parsed(
            name, default: fallback, standIn: range.lowerBound, expecting: "a whole number", range
        ) { Int($0) }
    }

    /// A time span in seconds, fractions allowed (`0.5`).
    public mutating func seconds(
        _ name: String, in range: ClosedRange<Double>, default fallback: Double? = nil
    ) -> Duration {
        let value = parsed(
            name, default: fallback, standIn: range.lowerBound, expecting: "seconds", range
        ) { Double($0) }
        return .nanoseconds(Int64((value * 1e9).rounded()))
    }

    /// A time span in whole seconds.
    public mutating func wholeSeconds(
        _ name: String, in range: ClosedRange<Int>, default fallback: Int? = nil
    ) -> Duration {
        .seconds(integer(name, in: range, default: fallback))
    }

    /// A size in bytes: a whole number, or one with the suffix `KiB`, `MiB` or `GiB`.
    public mutating func bytes(
        _ name: String, in range: ClosedRange<Int>, default fallback: Int? = nil
    ) -> Int {
        parsed(name, default: fallback, standIn: range.lowerBound, expecting: "bytes", range) {
            Self.byteCount($0)
        }
    }

    /// One of the raw values of an enumeration.
    public mutating func choice<Choice>(_ name: String, default fallback: Choice) -> Choice
    where Choice: RawRepresentable<String> & CaseIterable {
        guard let value = text(name) else { return fallback }
        if let choice = Choice(rawValue: value) { return choice }
        let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        problem(name, "is \"\(value)\"; expected one of \(choices)")
        return fallback
    }

    /// The value of `NAME`, or the contents of the file that `NAME_FILE` names, without its last
    /// line end. Giving both is a problem.
    public mutating func secret(_ name: String) -> Secret {
        let fileGiven = variables["\(prefix)\(name)_FILE"] != nil
        return optionalSecret(name)
            ?? (fileGiven ? Secret("") : required(name, standIn: Secret("")))
    }

    /// Reads a secret as ``secret(_:)`` does; nil if neither variable is set.
    public mutating func optionalSecret(_ name: String) -> Secret? {
        switch (text(name), text("\(name)_FILE")) {
        case (nil, nil): return nil
        case (.some(let value), nil): return Secret(value)
        case (nil, .some(let path)): return secret(name, fromFile: path)
        case (.some, .some):
            problem(name, "is set together with \(prefix)\(name)_FILE; set one of them")
            return nil
        }
    }

    private mutating func secret(_ name: String, fromFile path: String) -> Secret? {
        do {
            let bytes = try SmallFile.read(path, bytesMax: Self.secretBytesMax)
            guard let text = String(validating: bytes, as: UTF8.self) else {
                problem("\(name)_FILE", "names a file that is not UTF-8 text")
                return nil
            }
            let value = text.hasSuffix("\r\n") || text.hasSuffix("\n") ? text.dropLast() : text[...]
            guard !value.isEmpty else {
                problem("\(name)_FILE", "names a file that is empty")
                return nil
            }
            return Secret(String(value))
        } catch {
            problem("\(name)_FILE", "names a file that \(error)")
            return nil
        }
    }

    private mutating func parsed<Value: Comparable>(
        _ name: String, default fallback: Value?, standIn: Value, expecting: String,
        _ range: ClosedRange<Value>, _ parse: (String) -> Value?
    ) -> Value {
        guard let text = text(name) else { return fallback ?? required(name, standIn: standIn) }
        if let value = parse(text), range.contains(value) { return value }
        problem(
            name,
            "is \"\(text)\"; expected \(expecting) from \(range.lowerBound) to \(range.upperBound)")
        return standIn
    }
}

extension EnvironmentReader {
    private static func byteCount(_ text: String) -> Int? {
        let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)]
        guard let (suffix, factor) = units.first(where: { text.hasSuffix($0.0) }) else {
            return Int(text)
        }
        guard let count = Int(text.dropLast(suffix.count)) else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: factor)
        return overflow ? nil : bytes
    }
}
