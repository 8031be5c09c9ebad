extension JSON {
    /// The shortest text of this value, members in their order.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    public var bytes: [UInt8] {
        var output: [UInt8] = []
        write(to: &output, keys: .asWritten)
        return output
    }

    /// The same text for all equal objects: members are sorted by key. It serves hashes and
    /// comparisons.
    public var canonicalBytes: [UInt8] {
        var output: [UInt8] = []
        write(to: &output, keys: .sorted)
        return output
    }

    /// The text for people: two blanks a level, members in their order.
    public var prettyText: String {
        var output: [UInt8] = []
        write(to: &output, keys: .asWritten, indentation: 0)
        return String(decoding: output, as: UTF8.self)
    }

    private enum KeyOrder { case asWritten, sorted }

    /// Recursion is bounded: the parser admits no value nested deeper than `depthMax`.
    private func write(to output: inout [UInt8], keys: KeyOrder, indentation: Int? = nil) {
        switch self {
        case .null: output.append(contentsOf: "null".utf8)
        case .bool(let value): output.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let number): output.append(contentsOf: number.literal.utf8)
        case .string(let string): Self.write(string, to: &output)
        case .array(let elements):
            Self.write(elements, "[", "]", to: &output, indentation) { element, output, inner in
                element.write(to: &output, keys: keys, indentation: inner)
            }
        case .object(let object):
            let members =
                keys == .sorted
                ? object.members.sorted { JSONKey($0.key) < JSONKey($1.key) } : object.members
            Self.write(members, "{", "}", to: &output, indentation) { member, output, inner in
                Self.write(member.key, to: &output)
                output.append(contentsOf: (inner == nil ? ":" : ": ").utf8)
                member.value.write(to: &output, keys: keys, indentation: inner)
            }
        }
    }

    private static func write<Element>(
        _ elements: [Element], _ opening: String, _ closing: String, to output: inout [UInt8],
        _ indentation: Int?, each: (Element, inout [UInt8], Int?) -> Void
    ) {
        output.append(contentsOf: opening.utf8)
        let inner = indentation.map { $0 + 2 }
        for (position, element) in elements.enumerated() {
            if position > 0 { output.append(UInt8(ascii: ",")) }
            breakLine(inner, to: &output)
            each(element, &output, inner)
        }
        if !elements.isEmpty { breakLine(indentation, to: &output) }
        output.append(contentsOf: closing.utf8)
    }

    private static func breakLine(_ indentation: Int?, to output: inout [UInt8]) {
        guard let indentation else { return }
        output.append(UInt8(ascii: "\n"))
        output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indentation))
    }

    private static func write(_ string: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""): output.append(contentsOf: "\\\"".utf8)
            case UInt8(ascii: "\\"): output.append(contentsOf: "\\\\".utf8)
            case 0x0A: output.append(contentsOf: "\\n".utf8)
            case 0x0D: output.append(contentsOf: "\\r".utf8)
            case 0x09: output.append(contentsOf: "\\t".utf8)
            case 0x00..<0x20, 0x7F:
                output.append(contentsOf: "\\u00".utf8)
                output.append(hexDigit(byte >> 4))
                output.append(hexDigit(byte & 15))
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
