extension JSONParser {
    /// Reads a string from after its opening quote to after its closing one.
    mutating func string() throws(JSONParseError) {
        let start = offset
        var isEscaped = false
        var seen: UInt8 = 0
        while offset < bytes.count {
            skipPlain()
            guard offset < bytes.count else { break }
            let byte = bytes[offset]
            if byte < 0x20 { throw failure(.controlCharacter) }
            offset += 1
            if byte == UInt8(ascii: "\"") {
                if offset - 1 - start > limits.stringBytesMax { throw failure(.stringTooLong) }
                let isASCII = seen < 0x80
                if !isASCII { try checkUTF8(start..<(offset - 1)) }
                return append(.string, isPlain: isASCII && !isEscaped, from: start - 1)
            }
            seen |= byte
            if byte == UInt8(ascii: "\\") {
                isEscaped = true
                _ = try escape()
            }
        }
        throw failure(.unexpectedEnd)
    }

    /// Skips eight bytes at a time as long as they are ASCII that stands for itself.
    private mutating func skipPlain() {
        while offset + 8 <= bytes.count {
            let word = UnsafeRawBufferPointer(bytes)
                .loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if holdsSpecial(word) { return }
            offset += 8
        }
    }

    /// Escapes are ASCII, so the text between them is checked as it stands.
    private func checkUTF8(_ range: Range<Int>) throws(JSONParseError) {
        let text = UnsafeBufferPointer(rebasing: bytes[range])
        if String(validating: text, as: UTF8.self) == nil { throw failure(.notUTF8) }
    }

    /// Reads an escape sequence from after its backslash.
    fileprivate mutating func escape() throws(JSONParseError) -> Unicode.Scalar {
        guard offset < bytes.count else { throw failure(.unexpectedEnd) }
        offset += 1
        switch bytes[offset - 1] {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try scalar()
        case _: throw failure(.badEscape)
        }
    }

    private mutating func scalar() throws(JSONParseError) -> Unicode.Scalar {
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
        guard let scalar = Unicode.Scalar(code) else { throw failure(.loneSurrogate) }
        return scalar
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
            case _: throw failure(.badEscape)
            }
            code = code << 4 | UInt32(digit)
            offset += 1
        }
        return code
    }

    /// Reads a number whose first byte is read already:
    /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    mutating func number() throws(JSONParseError) {
        offset -= 1
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
        append(.number, from: start)
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

extension JSONParser {
    /// The text between the quotes of a string that was found valid.
    static func unescaped(_ written: UnsafeBufferPointer<UInt8>) -> String {
        var parser = JSONParser(bytes: written, limits: JSONLimits())
        var text: [UInt8] = []
        text.reserveCapacity(written.count)
        while parser.offset < written.count {
            let byte = written[parser.offset]
            parser.offset += 1
            if byte == UInt8(ascii: "\\"), let scalar = try? parser.escape() {
                text.append(contentsOf: String(scalar).utf8)
            } else {
                text.append(byte)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// True if one of eight bytes is a control character, a quote, a backslash or not ASCII. Each term
/// sets the high bit of such a byte: subtracting borrows from it where it is less.
private func holdsSpecial(_ word: UInt64) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    let quotes = word ^ (ones &* 0x22)
    let backslashes = word ^ (ones &* 0x5C)
    let found = (word &- ones &* 0x20) | (quotes &- ones) | (backslashes &- ones) | word
    return found & highs != 0
}
