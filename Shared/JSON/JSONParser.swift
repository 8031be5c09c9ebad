/// The limits of a document; a text beyond them is refused, not truncated.
public struct JSONLimits: Sendable {
    /// The deepest nesting of arrays and objects.
    public var depthMax = 64
    /// The most members of one object.
    public var membersMax = 10_000
    /// The most bytes of one string, escapes counted as written.
    public var stringBytesMax = 256 * 1024
    /// The most characters of one number.
    public var numberBytesMax = 64

    public init() {}

    /// The limits of a text of this length that was accepted before: its length bounds it already,
    /// so only the nesting is measured again.
    public static func accepted(bytes: Int) -> JSONLimits {
        var limits = JSONLimits()
        limits.membersMax = bytes
        limits.stringBytesMax = bytes
        return limits
    }
}

/// A text that is not acceptable JSON: the reason and the position.
public struct JSONParseError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Reason: String, Sendable {
        case unexpectedEnd = "the text ends too early"
        case unexpectedByte = "this byte cannot stand here"
        case trailingBytes = "something follows the value"
        case notUTF8 = "not UTF-8"
        case byteOrderMark = "a byte order mark is not allowed"
        case badEscape = "not an escape sequence"
        case loneSurrogate = "half of a surrogate pair"
        case controlCharacter = "a control character must be escaped"
        case badNumber = "not a number"
        case duplicateKey = "the same key twice in one object"
        case tooDeep = "nested too deeply"
        case tooManyMembers = "too many members in one object"
        case stringTooLong = "a string is too long"
        case numberTooLong = "a number is too long"
    }

    public let reason: Reason
    /// Byte offset from the start of the text.
    public let offset: Int

    public var description: String { "\(reason.rawValue) (byte \(offset))" }
}

/// Checks a text and notes where its values stand. It is iterative, so that no nesting can exhaust
/// the stack.
struct JSONParser {
    typealias Node = JSONOutline.Node

    /// A container whose end has not come.
    private struct Container {
        let number: Int
        let isObject: Bool
        var count = 0
    }

    let bytes: UnsafeBufferPointer<UInt8>
    let limits: JSONLimits
    var offset = 0
    var nodes: [Node] = []
    /// The containers around the present value, outermost first.
    private var open: [Container] = []

    static func nodes(of text: [UInt8], limits: JSONLimits) throws(JSONParseError) -> [Node] {
        let result: Result<[Node], JSONParseError> = text.withUnsafeBufferPointer { bytes in
            var parser = JSONParser(bytes: bytes, limits: limits)
            parser.nodes.reserveCapacity(bytes.count / 16 + 1)
            do throws(JSONParseError) {
                try parser.run()
                return .success(parser.nodes)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    init(bytes: UnsafeBufferPointer<UInt8>, limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    private mutating func run() throws(JSONParseError) {
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF {
            throw failure(.byteOrderMark)
        }
        var isComplete = try value()
        while let container = open.last {
            if isComplete, try !more(in: container) { continue }
            if container.isObject { try key() }
            isComplete = try value()
        }
        skipBlanks()
        if offset < bytes.count { throw failure(.trailingBytes) }
    }

    /// Reads a value, or the opening of a container that is not empty. Returns true if the value is
    /// complete.
    private mutating func value() throws(JSONParseError) -> Bool {
        switch try next() {
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "{"): return try enter(.object, until: UInt8(ascii: "}"))
        case UInt8(ascii: "["): return try enter(.array, until: UInt8(ascii: "]"))
        case UInt8(ascii: "t"): try word("true", .bool)
        case UInt8(ascii: "f"): try word("false", .bool)
        case UInt8(ascii: "n"): try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
        case _:
            offset -= 1
            throw failure(.unexpectedByte)
        }
        return true
    }

    private mutating func enter(
        _ kind: JSONOutline.NodeKind, until end: UInt8
    ) throws(JSONParseError) -> Bool {
        if open.count >= limits.depthMax { throw failure(.tooDeep) }
        append(kind, from: offset - 1)
        if try peekAfterBlanks() == end {
            offset += 1
            nodes[nodes.count - 1].end = offset
            return true
        }
        open.append(Container(number: nodes.count - 1, isObject: kind == .object))
        return false
    }

    /// Reads what follows a value in its container. Returns true if another value follows, false if
    /// the container ends.
    private mutating func more(in container: Container) throws(JSONParseError) -> Bool {
        open[open.count - 1].count += 1
        if container.isObject, container.count >= limits.membersMax {
            throw failure(.tooManyMembers)
        }
        let byte = try next()
        if byte == UInt8(ascii: ",") { return true }
        guard byte == UInt8(ascii: container.isObject ? "}" : "]") else {
            offset -= 1
            throw failure(.unexpectedByte)
        }
        open.removeLast()
        nodes[container.number].end = offset
        nodes[container.number].next = nodes.count
        if container.isObject, hasDuplicateKeys(container.number, count: container.count + 1) {
            throw failure(.duplicateKey)
        }
        return false
    }

    private mutating func key() throws(JSONParseError) {
        guard try next() == UInt8(ascii: "\"") else {
            offset -= 1
            throw failure(.unexpectedByte)
        }
        try string()
        guard try next() == UInt8(ascii: ":") else {
            offset -= 1
            throw failure(.unexpectedByte)
        }
    }

    private mutating func word(
        _ text: StaticString, _ kind: JSONOutline.NodeKind
    ) throws(JSONParseError) {
        let start = offset - 1
        for position in 1..<text.utf8CodeUnitCount {
            guard offset < bytes.count else { throw failure(.unexpectedEnd) }
            guard bytes[offset] == text.utf8Start[position] else { throw failure(.unexpectedByte) }
            offset += 1
        }
        append(kind, from: start)
    }

    /// Notes a value that ends here.
    mutating func append(_ kind: JSONOutline.NodeKind, isPlain: Bool = false, from start: Int) {
        nodes.append(
            Node(kind: kind, isPlain: isPlain, start: start, end: offset, next: nodes.count + 1))
    }

    private mutating func skipBlanks() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            case _: return
            }
        }
    }

    private mutating func next() throws(JSONParseError) -> UInt8 {
        let byte = try peekAfterBlanks()
        offset += 1
        return byte
    }

    private mutating func peekAfterBlanks() throws(JSONParseError) -> UInt8 {
        skipBlanks()
        guard offset < bytes.count else { throw failure(.unexpectedEnd) }
        return bytes[offset]
    }

    func failure(_ reason: JSONParseError.Reason) -> JSONParseError {
        JSONParseError(reason: reason, offset: offset)
    }
}
