/// What a document may cost; everything beyond is refused, not truncated.
public struct JSONLimits: Sendable {
    /// Nesting of arrays and objects.
    public var depthMax = 64
    /// Members of one object.
    public var membersMax = 10_000
    /// Bytes of one string, escapes counted as written.
    public var stringBytesMax = 256 * 1024
    /// Characters of one number.
    public var numberBytesMax = 64

    public init() {}
}

/// Why a text is not acceptable JSON, and where.
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

extension JSON {
    /// Parses a whole text, strictly by RFC 8259 and stricter where parsers disagree (RFC 8259
    /// section 9 allows it): UTF-8 without a mark, no duplicate keys, no lone surrogates.
    public init(
        parsing bytes: some Sequence<UInt8>, limits: JSONLimits = JSONLimits()
    ) throws(JSONParseError) {
        let contiguous = ContiguousArray(bytes)
        let result: Result<JSON, JSONParseError> = contiguous.withUnsafeBufferPointer { buffer in
            var parser = Parser(bytes: buffer, limits: limits)
            return parser.run()
        }
        self = try result.get()
    }

    public init(parsing text: String) throws(JSONParseError) {
        try self.init(parsing: text.utf8)
    }
}

/// Iterative, so that no nesting can exhaust a stack.
private struct Parser {
    let bytes: UnsafeBufferPointer<UInt8>
    let limits: JSONLimits
    var offset = 0
    /// The containers around the present value, outermost first.
    var open: [Container] = []

    enum Container {
        case array([JSON])
        case object(JSONObject, key: String)
    }

    init(bytes: UnsafeBufferPointer<UInt8>, limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func run() -> Result<JSON, JSONParseError> {
        do throws(JSONParseError) {
            if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF {
                throw failure(.byteOrderMark)
            }
            let value = try document()
            skipBlanks()
            if offset < bytes.count { throw failure(.trailingBytes) }
            return .success(value)
        } catch {
            return .failure(error)
        }
    }

    mutating func document() throws(JSONParseError) -> JSON {
        while true {
            guard var value = try valueOrOpening() else { continue }
            while true {
                guard !open.isEmpty else { return value }
                guard let closed = try close(with: value) else { break }
                value = closed
            }
        }
    }

    /// A complete value, or `nil` after the opening of a container that has members.
    mutating func valueOrOpening() throws(JSONParseError) -> JSON? {
        switch try next() {
        case UInt8(ascii: "{"):
            try enter()
            if try peekAfterBlanks() == UInt8(ascii: "}") { return leave(.object(JSONObject())) }
            open.append(.object(JSONObject(), key: try key()))
            return nil
        case UInt8(ascii: "["):
            try enter()
            if try peekAfterBlanks() == UInt8(ascii: "]") { return leave(.array([])) }
            open.append(.array([]))
            return nil
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            offset -= 1
            return .number(try number())
        default:
            offset -= 1
            throw failure(.unexpectedByte)
        }
    }

    func enter() throws(JSONParseError) {
        if open.count >= limits.depthMax { throw failure(.tooDeep) }
    }

    mutating func leave(_ value: JSON) -> JSON {
        offset += 1
        return value
    }

    /// Puts a value into the innermost container; the container itself when that ends it.
    mutating func close(with value: JSON) throws(JSONParseError) -> JSON? {
        switch open.removeLast() {
        case .array(var elements):
            elements.append(value)
            if try more(orEnd: UInt8(ascii: "]")) {
                open.append(.array(elements))
                return nil
            }
            return .array(elements)
        case .object(var object, let key):
            if !object.insert(key, value) { throw failure(.duplicateKey) }
            if object.count > limits.membersMax { throw failure(.tooManyMembers) }
            if try more(orEnd: UInt8(ascii: "}")) {
                open.append(.object(object, key: try self.key()))
                return nil
            }
            return .object(object)
        }
    }

    mutating func more(orEnd end: UInt8) throws(JSONParseError) -> Bool {
        let byte = try next()
        if byte == UInt8(ascii: ",") { return true }
        if byte == end { return false }
        offset -= 1
        throw failure(.unexpectedByte)
    }

    mutating func key() throws(JSONParseError) -> String {
        guard try next() == UInt8(ascii: "\"") else {
            offset -= 1
            throw failure(.unexpectedByte)
        }
        let key = try string()
        guard try next() == UInt8(ascii: ":") else {
            offset -= 1
            throw failure(.unexpectedByte)
        }
        return key
    }

    mutating func word(_ text: StaticString, _ value: JSON) throws(JSONParseError) -> JSON {
        for position in 1..<text.utf8CodeUnitCount {
            guard offset < bytes.count else { throw failure(.unexpectedEnd) }
            guard bytes[offset] == text.utf8Start[position] else { throw failure(.unexpectedByte) }
            offset += 1
        }
        return value
    }

    // MARK: - Bytes

    mutating func skipBlanks() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }

    mutating func next() throws(JSONParseError) -> UInt8 {
        let byte = try peekAfterBlanks()
        offset += 1
        return byte
    }

    mutating func peekAfterBlanks() throws(JSONParseError) -> UInt8 {
        skipBlanks()
        guard offset < bytes.count else { throw failure(.unexpectedEnd) }
        return bytes[offset]
    }

    func failure(_ reason: JSONParseError.Reason) -> JSONParseError {
        JSONParseError(reason: reason, offset: offset)
    }
}

// MARK: - Scalars

extension Parser {
    /// After the opening quote; leaves the offset after the closing one.
    fileprivate mutating func string() throws(JSONParseError) -> String {
        let start = offset
        while offset < bytes.count {
            switch bytes[offset] {
            case UInt8(ascii: "\""):
                offset += 1
                return try text(UnsafeBufferPointer(rebasing: bytes[start..<(offset - 1)]))
            case UInt8(ascii: "\\"): return try escapedString(from: start)
            case 0x00..<0x20: throw failure(.controlCharacter)
            default: offset += 1
            }
        }
        throw failure(.unexpectedEnd)
    }

    private mutating func escapedString(from start: Int) throws(JSONParseError) -> String {
        var decoded = [UInt8](bytes[start..<offset])
        while offset < bytes.count {
            let byte = bytes[offset]
            if byte < 0x20 { throw failure(.controlCharacter) }
            offset += 1
            if byte == UInt8(ascii: "\"") {
                return try decoded.withUnsafeBufferPointer { buffer in
                    Result { () throws(JSONParseError) in try text(buffer) }
                }.get()
            }
            if byte == UInt8(ascii: "\\") {
                try escape(into: &decoded)
            } else {
                decoded.append(byte)
            }
        }
        throw failure(.unexpectedEnd)
    }

    private func text(_ buffer: UnsafeBufferPointer<UInt8>) throws(JSONParseError) -> String {
        if buffer.count > limits.stringBytesMax { throw failure(.stringTooLong) }
        guard let text = String(validating: buffer, as: UTF8.self) else { throw failure(.notUTF8) }
        return text
    }

    private mutating func escape(into decoded: inout [UInt8]) throws(JSONParseError) {
        guard offset < bytes.count else { throw failure(.unexpectedEnd) }
        offset += 1
        switch bytes[offset - 1] {
        case UInt8(ascii: "\""): decoded.append(0x22)
        case UInt8(ascii: "\\"): decoded.append(0x5C)
        case UInt8(ascii: "/"): decoded.append(0x2F)
        case UInt8(ascii: "b"): decoded.append(0x08)
        case UInt8(ascii: "f"): decoded.append(0x0C)
        case UInt8(ascii: "n"): decoded.append(0x0A)
        case UInt8(ascii: "r"): decoded.append(0x0D)
        case UInt8(ascii: "t"): decoded.append(0x09)
        case UInt8(ascii: "u"): decoded.append(contentsOf: String(try scalar()).utf8)
        default: throw failure(.badEscape)
        }
    }

    private mutating func scalar() throws(JSONParseError) -> Character {
        var code = try fourHexDigits()
        if (0xD800..<0xDC00).contains(code) {
            guard offset + 1 < bytes.count, bytes[offset] == UInt8(ascii: "\\"),
                bytes[offset + 1] == UInt8(ascii: "u")
            else { throw failure(.loneSurrogate) }
            offset += 2
            let low = try fourHexDigits()
            guard (0xDC00..<0xE000).contains(low) else { throw failure(.loneSurrogate) }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = UnicodeScalar(code) else { throw failure(.loneSurrogate) }
        return Character(scalar)
    }

    private mutating func fourHexDigits() throws(JSONParseError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard offset < bytes.count else { throw failure(.unexpectedEnd) }
            let byte = bytes[offset]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw failure(.badEscape)
            }
            code = code << 4 | UInt32(digit)
            offset += 1
        }
        return code
    }

    /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    fileprivate mutating func number() throws(JSONParseError) -> JSONNumber {
        let start = offset
        if peek() == UInt8(ascii: "-") { offset += 1 }
        if peek() == UInt8(ascii: "0") { offset += 1 } else { try digits() }
        if peek() == UInt8(ascii: ".") {
            offset += 1
            try digits()
        }
        if peek() == UInt8(ascii: "e") || peek() == UInt8(ascii: "E") {
            offset += 1
            if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { offset += 1 }
            try digits()
        }
        if offset - start > limits.numberBytesMax { throw failure(.numberTooLong) }
        return JSONNumber(checked: String(decoding: bytes[start..<offset], as: UTF8.self))
    }

    private mutating func digits() throws(JSONParseError) {
        let start = offset
        while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            offset += 1
        }
        if offset == start { throw failure(offset == bytes.count ? .unexpectedEnd : .badNumber) }
    }

    private func peek() -> UInt8? { offset < bytes.count ? bytes[offset] : nil }
}
