extension JSON {
    /// Parses a whole text, as ``JSONOutline`` does, and decodes all of it.
    public init(
        parsing bytes: some Sequence<UInt8>, limits: JSONLimits = JSONLimits()
    ) throws(JSONParseError) {
        self = try JSONOutline(parsing: Array(bytes), limits: limits).root.value
    }

    public init(parsing text: String) throws(JSONParseError) {
        try self.init(parsing: text.utf8)
    }
}

/// Recursion is bounded: the parser admits no value nested deeper than `depthMax`.
func decodedValue(
    _ number: Int, _ nodes: [JSONOutline.Node], in bytes: UnsafeBufferPointer<UInt8>
) -> JSON {
    let node = nodes[number]
    switch node.kind {
    case .null: return .null
    case .bool: return .bool(bytes[node.start] == UInt8(ascii: "t"))
    case .number:
        let literal = String(decoding: bytes[node.start..<node.end], as: UTF8.self)
        return .number(JSONNumber(checked: literal))
    case .string: return .string(decodedString(node, in: bytes))
    case .array:
        var elements: [JSON] = []
        var element = number + 1
        while element < node.next {
            elements.append(decodedValue(element, nodes, in: bytes))
            element = nodes[element].next
        }
        return .array(elements)
    case .object:
        var members: [JSONObject.Member] = []
        var key = number + 1
        while key < node.next {
            members.append(
                JSONObject.Member(
                    key: decodedString(nodes[key], in: bytes),
                    value: decodedValue(key + 1, nodes, in: bytes)))
            key = nodes[key + 1].next
        }
        return .object(JSONObject(unique: members))
    }
}

/// The text of a string that was found valid.
func decodedString(
    _ node: JSONOutline.Node, in bytes: UnsafeBufferPointer<UInt8>
) -> String {
    let written = UnsafeBufferPointer(rebasing: bytes[(node.start + 1)..<(node.end - 1)])
    if node.isPlain || !written.contains(UInt8(ascii: "\\")) {
        return String(decoding: written, as: UTF8.self)
    }
    return JSONParser.unescaped(written)
}
