/// Takes the chunk framing off a body (RFC 9112 section 7.1).
///
/// Strict where recipients differ: a size is 1 to 8 hexadecimal digits directly followed by CR LF.
/// Chunk extensions and trailer fields are refused: no handler uses them, and both have carried
/// smuggled requests.
struct ChunkedDecoder {
    private enum Expected {
        case size(digits: Int, value: Int)
        case sizeLineFeed(size: Int)
        case data(left: Int)
        case dataReturn
        case dataLineFeed
        case endReturn
        case endLineFeed
        case nothing
    }

    private var expected = Expected.size(digits: 0, value: 0)

    var isDone: Bool {
        if case .nothing = expected { true } else { false }
    }

    /// Appends the part of the body in `bytes`. Returns the number of bytes that were framing or
    /// body.
    mutating func decode(
        _ bytes: Span<UInt8>, into body: inout [UInt8], bodyBytesMax: Int
    ) throws(RequestError) -> Int {
        var index = 0
        while index < bytes.count {
            switch expected {
            case .data(let left):
                let end = min(index + left, bytes.count)
                append(bytes.extracting(index..<end), to: &body)
                expected = end - index == left ? .dataReturn : .data(left: left - (end - index))
                index = end
            case .nothing:
                return index
            case .size, .sizeLineFeed, .dataReturn, .dataLineFeed, .endReturn, .endLineFeed:
                expected = try next(after: bytes[index], room: bodyBytesMax - body.count)
                index += 1
            }
        }
        return index
    }

    private func next(after byte: UInt8, room: Int) throws(RequestError) -> Expected {
        switch (expected, byte) {
        case (.size(let digits, let value), UInt8(ascii: "\r")) where digits > 0:
            return .sizeLineFeed(size: value)
        case (.size(let digits, let value), _):
            guard let digit = hexValue(byte), digits < 8 else {
                throw .badRequest("The size of a chunk is malformed.")
            }
            return .size(digits: digits + 1, value: value << 4 | digit)
        case (.sizeLineFeed(let size), UInt8(ascii: "\n")):
            guard size <= room else { throw .bodyTooLarge }
            return size == 0 ? .endReturn : .data(left: size)
        case (.dataReturn, UInt8(ascii: "\r")):
            return .dataLineFeed
        case (.dataLineFeed, UInt8(ascii: "\n")):
            return .size(digits: 0, value: 0)
        case (.endReturn, UInt8(ascii: "\r")):
            return .endLineFeed
        case (.endLineFeed, UInt8(ascii: "\n")):
            return .nothing
        case (.endReturn, _):
            throw .badRequest("Trailer fields are not supported; leave them out.")
        case (.sizeLineFeed, _), (.dataReturn, _), (.dataLineFeed, _), (.endLineFeed, _),
            (.data, _), (.nothing, _):
            throw .badRequest("A chunk does not end with CR LF.")
        }
    }
}

func append(_ bytes: Span<UInt8>, to array: inout [UInt8]) {
    bytes.withUnsafeBufferPointer { array.append(contentsOf: $0) }
}
