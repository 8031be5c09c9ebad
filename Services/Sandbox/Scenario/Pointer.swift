import JSON

extension JSON {
    /// The value at a JSON pointer (RFC 6901), or null if there is none. An extension: `-1` is the
    /// last element of an array.
    func value(at pointer: String) -> JSON {
        pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
            .reduce(self) { value, token in value.child(Self.unescaped(token)) }
    }

    private func child(_ token: String) -> JSON {
        switch self {
        case .object(let object): object[token] ?? .null
        case .array(let elements):
            Int(token).flatMap { self[$0 < 0 ? elements.count + $0 : $0] } ?? .null
        case .null, .bool, .number, .string: .null
        }
    }

    private static func unescaped(_ token: Substring) -> String {
        var text = ""
        var rest = token
        while let tilde = rest.firstIndex(of: "~") {
            text += rest[..<tilde]
            let next = rest[rest.index(after: tilde)...]
            text += next.first == "1" ? "/" : "~"
            rest = next.dropFirst()
        }
        return text + rest
    }

    /// Returns true if this is what a scenario expects: the same value, a text that contains
    /// `{"contains": ..}`, or as many elements as `{"count": ..}` says.
    func fits(_ expected: JSON) -> Bool {
        if let part = expected["contains"]?.string { return string?.contains(part) ?? false }
        if let count = expected["count"]?.int { return array?.count == count }
        return self == expected
    }
}
