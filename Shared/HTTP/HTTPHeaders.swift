/// Header fields in the order they came. Names compare without regard to ASCII case
/// (RFC 9110 section 5.1); values are kept as they are, without surrounding white space.
public struct HTTPHeaders: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    private struct HeaderField: Sendable, Equatable {
        var name: String
        var value: String
    }

    private var stored: [HeaderField]

    public init(_ fields: [(name: String, value: String)] = []) {
        stored = fields.map { HeaderField(name: $0.name, value: $0.value) }
    }

    public init(dictionaryLiteral elements: (String, String)...) {
        stored = elements.map { HeaderField(name: $0.0, value: $0.1) }
    }

    /// Every field, also repeated ones, in order.
    public var fields: [(name: String, value: String)] {
        stored.map { ($0.name, $0.value) }
    }

    public var isEmpty: Bool { stored.isEmpty }

    /// The first value of that name. Setting replaces all fields of the name by one,
    /// setting `nil` removes them.
    public subscript(_ name: String) -> String? {
        get { stored.first { equalIgnoringCase($0.name, name) }?.value }
        set {
            stored.removeAll { equalIgnoringCase($0.name, name) }
            if let newValue { append(name, newValue) }
        }
    }

    /// Every value of that name, in order; fields are not split at commas.
    public func values(_ name: String) -> [String] {
        stored.compactMap { equalIgnoringCase($0.name, name) ? $0.value : nil }
    }

    public mutating func append(_ name: String, _ value: String) {
        stored.append(HeaderField(name: name, value: value))
    }

    mutating func reserveCapacity(_ count: Int) {
        stored.reserveCapacity(count)
    }

    func forEach(_ body: (_ name: String, _ value: String) -> Void) {
        for field in stored { body(field.name, field.value) }
    }

    /// True if every field may be written on a connection: names are tokens
    /// (RFC 9110 section 5.6.2), values hold no control character. Anything else could end the
    /// line early and inject a field or a message.
    var areWritable: Bool {
        stored.allSatisfy { field in
            !field.name.isEmpty && field.name.utf8.allSatisfy(isToken)
                && !field.value.utf8.contains { $0 < 0x20 || $0 == 0x7f }
        }
    }
}
