/// A valid JSON text, and where in it each value stands: all that is needed to read a few members
/// of a document and to keep its parts exactly as they were sent. Nothing is decoded before it is
/// asked for.
public struct JSONOutline: Sendable {
    enum NodeKind {
        case null, bool, number, string, array, object
    }

    struct Node {
        let kind: NodeKind
        /// True for a string of ASCII without escapes: its bytes are its text.
        var isPlain = false
        /// The first byte of the value; a string begins with its quote.
        let start: Int
        var end: Int
        /// The number of the node after this value and everything in it.
        var next: Int
    }

    let text: [UInt8]
    /// Every value and every key in the order in which they stand; keys before their values.
    let nodes: [Node]

    /// Parses a whole text, strictly by RFC 8259 and stricter where parsers disagree (RFC 8259
    /// section 9 allows it): UTF-8 without a mark, no duplicate keys, no lone surrogates.
    public init(
        parsing text: [UInt8], limits: JSONLimits = JSONLimits()
    ) throws(JSONParseError) {
        self.text = text
        nodes = try JSONParser.nodes(of: text, limits: limits)
    }

    public var root: JSONPart { JSONPart(outline: self, number: 0) }
}

/// One value of an outline.
public struct JSONPart: Sendable {
    let outline: JSONOutline
    let number: Int

    private var node: JSONOutline.Node { outline.nodes[number] }

    /// The bytes exactly as they were sent; a valid text by itself.
    public var bytes: [UInt8] { Array(outline.text[node.start..<node.end]) }

    /// The decoded value with everything in it.
    public var value: JSON {
        outline.text.withUnsafeBufferPointer { decodedValue(number, outline.nodes, in: $0) }
    }

    var kind: JSONOutline.NodeKind { node.kind }

    public var isNull: Bool { node.kind == .null }
    public var isObject: Bool { node.kind == .object }

    public var string: String? {
        guard node.kind == .string else { return nil }
        return outline.text.withUnsafeBufferPointer { decodedString(node, in: $0) }
    }

    /// The digits of a number.
    public var numberLiteral: String? {
        guard node.kind == .number else { return nil }
        return String(decoding: outline.text[node.start..<node.end], as: UTF8.self)
    }

    /// The elements of an array.
    public var elements: [JSONPart]? {
        guard node.kind == .array else { return nil }
        var elements: [JSONPart] = []
        var element = number + 1
        while element < node.next {
            elements.append(JSONPart(outline: outline, number: element))
            element = outline.nodes[element].next
        }
        return elements
    }

    /// The member of an object; nil if this is no object or has no such member.
    public subscript(_ key: String) -> JSONPart? {
        guard node.kind == .object else { return nil }
        return outline.text.withUnsafeBufferPointer { bytes in
            var name = number + 1
            while name < node.next {
                if isKey(outline.nodes[name], key, in: bytes) {
                    return JSONPart(outline: outline, number: name + 1)
                }
                name = outline.nodes[name + 1].next
            }
            return nil
        }
    }

    /// Returns nil for an absent member and for `null`, which mean the same to most vendors.
    public func present(_ key: String) -> JSONPart? {
        guard let part = self[key], !part.isNull else { return nil }
        return part
    }
}
