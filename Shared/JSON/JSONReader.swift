/// One problem of a document, with its JSON pointer (RFC 6901).
public struct JSONProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// A JSON pointer; `""` is the whole document.
    public let pointer: String
    public let message: String

    public init(pointer: String, message: String) {
        self.pointer = pointer
        self.message = message
    }

    public var description: String { "\(pointer.isEmpty ? "/" : pointer): \(message)" }
}

/// The problems that the readers of one document find, so that all are reported at once.
public final class JSONProblems {
    public private(set) var all: [JSONProblem] = []

    public init() {}

    public func add(_ pointer: String, _ message: String) {
        all.append(JSONProblem(pointer: pointer, message: message))
    }
}

/// Reads a JSON value into a type of ours: it knows its pointer, notes every problem, and notices
/// members that were not asked for.
public final class JSONReader {
    public let value: JSON
    public let pointer: String
    public let problems: JSONProblems
    private var asked: Set<String> = []

    public init(_ value: JSON, at pointer: String = "", problems: JSONProblems) {
        self.value = value
        self.pointer = pointer
        self.problems = problems
    }

    public func problem(_ message: String, at key: String? = nil) {
        problems.add(key.map(pointer(to:)) ?? pointer, message)
    }

    public func pointer(to key: String) -> String {
        var escaped = ""
        for character in key {
            switch character {
            case "~": escaped += "~0"
            case "/": escaped += "~1"
            default: escaped.append(character)
            }
        }
        return "\(pointer)/\(escaped)"
    }

    /// The member; nil if it is absent or `null`.
    public func member(_ key: String) -> JSONReader? {
        asked.insert(key)
        guard let found = value.present(key) else { return nil }
        return JSONReader(found, at: pointer(to: key), problems: problems)
    }

    public func has(_ key: String) -> Bool { value[key] != nil }

    public func required(_ key: String) -> JSONReader? {
        if let member = member(key) { return member }
        problem("is missing", at: key)
        return nil
    }

    /// The elements of an array member; none when it is absent.
    public func elements(_ key: String) -> [JSONReader] {
        member(key)?.elements() ?? []
    }

    public func elements() -> [JSONReader] {
        guard let array = value.array else {
            problem("must be an array")
            return []
        }
        return array.enumerated().map { position, element in
            JSONReader(element, at: "\(pointer)/\(position)", problems: problems)
        }
    }

    /// The members of an object, each with its key; all count as asked for.
    public func members() -> [(key: String, reader: JSONReader)] {
        guard let object = value.object else {
            problem("must be an object")
            return []
        }
        return object.members.map { member in
            asked.insert(member.key)
            return (
                member.key,
                JSONReader(member.value, at: pointer(to: member.key), problems: problems)
            )
        }
    }

    public func string() -> String? {
        if let string = value.string { return string }
        problem("must be a string")
        return nil
    }

    public func bool() -> Bool? {
        if let bool = value.bool { return bool }
        problem("must be true or false")
        return nil
    }

    public func int(_ range: ClosedRange<Int>) -> Int? {
        if let int = value.int, range.contains(int) { return int }
        problem("must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    /// Notes every member that no call above has asked for: most are misspellings.
    public func refuseOthers() { refuseOthers(than: Array(asked)) }

    /// Notes every member whose key is not among these.
    func refuseOthers(than known: [String]) {
        guard let object = value.object else {
            problem("must be an object")
            return
        }
        for key in object.keys where !known.contains(key) {
            problem("is not known here; known: \(known.sorted().joined(separator: ", "))", at: key)
        }
    }
}
