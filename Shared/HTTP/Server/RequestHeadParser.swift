/// A parsed head, with the framing of the rest of the message.
struct ParsedHead {
    let head: HTTPRequestHead
    let framing: Framing
}

/// Reads a whole head (RFC 9112 sections 2 to 6). A head that two recipients might understand
/// differently is refused, not repaired.
///
/// - Parameter bytes: the lines of the head, each with its CR LF, up to the empty line.
func parseHead(_ bytes: Span<UInt8>) throws(RequestError) -> ParsedHead {
    var lineEnd = endOfLine(in: bytes, from: 0)
    let line = try parseRequestLine(bytes.extracting(0..<lineEnd))
    var headers = HTTPHeaders()
    headers.reserveCapacity(8)
    var fields = FramingFields()
    var start = lineEnd + 2
    while true {
        lineEnd = endOfLine(in: bytes, from: start)
        if lineEnd == start { break }
        try parseField(bytes.extracting(start..<lineEnd), into: &headers, &fields)
        start = lineEnd + 2
    }
    let head = HTTPRequestHead(
        method: line.method, path: line.path, query: line.query, headers: headers)
    return ParsedHead(head: head, framing: try fields.framing(version: line.version))
}

enum HTTPVersion {
    case http10
    case http11
}

private struct RequestLine {
    let method: String
    let path: String
    let query: String?
    let version: HTTPVersion
}

/// `method SP request-target SP HTTP-version`, with exactly one space each.
private func parseRequestLine(_ line: Span<UInt8>) throws(RequestError) -> RequestLine {
    guard let methodEnd = firstIndex(of: UInt8(ascii: " "), in: line, from: 0), methodEnd > 0,
        let targetEnd = firstIndex(of: UInt8(ascii: " "), in: line, from: methodEnd + 1)
    else {
        throw .badRequest("The request line does not have three parts: method, path and version.")
    }
    let method = line.extracting(0..<methodEnd)
    guard all(method, isToken) else { throw .badRequest("The method is not a token.") }
    guard methodEnd <= 16 else {
        throw RequestError(501, "The method is longer than any known method.")
    }
    let version = try parseVersion(line.extracting((targetEnd + 1)...))
    let target = line.extracting((methodEnd + 1)..<targetEnd)
    try checkTarget(target)
    let pathEnd = firstIndex(of: UInt8(ascii: "?"), in: target, from: 0)
    return try RequestLine(
        method: text(method), path: text(target.extracting(0..<(pathEnd ?? target.count))),
        query: pathEnd.map { end throws(RequestError) in try text(target.extracting((end + 1)...))
        },
        version: version)
}

/// The text between the first two spaces of the first line, without the query. It is unchecked and
/// only for people.
func seemingPath(of head: ArraySlice<UInt8>) -> String? {
    let line = head.prefix { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }
    let words = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
    guard words.count > 1 else { return nil }
    return String(decoding: words[1].prefix { $0 != UInt8(ascii: "?") }, as: UTF8.self)
}

private func parseVersion(_ bytes: Span<UInt8>) throws(RequestError) -> HTTPVersion {
    if equal(bytes, "HTTP/1.1") { return .http11 }
    if equal(bytes, "HTTP/1.0") { return .http10 }
    guard bytes.count == 8, equal(bytes.extracting(0..<5), "HTTP/"), isDigit(bytes[5]),
        bytes[6] == UInt8(ascii: "."), isDigit(bytes[7])
    else { throw .badRequest("The HTTP version is malformed.") }
    throw RequestError(505, "The HTTP version is not supported; use HTTP/1.1 or HTTP/1.0.")
}

/// Origin form only (RFC 9112 section 3.2.1): the absolute form is for proxies and brings a
/// second host into the request.
private func checkTarget(_ target: Span<UInt8>) throws(RequestError) {
    guard target.count > 0, target[0] == UInt8(ascii: "/") else {
        throw .badRequest("The request target is not a path that begins with a slash.")
    }
    var index = 0
    while index < target.count {
        if target[index] == UInt8(ascii: "%") {
            guard index + 2 < target.count, hexValue(target[index + 1]) != nil,
                hexValue(target[index + 2]) != nil
            else { throw .badRequest("The request target has a malformed percent-encoding.") }
            index += 3
        } else {
            guard isTarget(target[index]) else {
                throw .badRequest("The request target has a character that must be encoded.")
            }
            index += 1
        }
    }
}

/// `field-name ":" OWS field-value OWS`. A line that continues the one before (obs-fold) fails
/// here too, since it begins with white space and not with a name.
private func parseField(
    _ line: Span<UInt8>, into headers: inout HTTPHeaders, _ framing: inout FramingFields
) throws(RequestError) {
    var nameEnd = 0
    while nameEnd < line.count, isToken(line[nameEnd]) { nameEnd += 1 }
    guard nameEnd > 0, nameEnd < line.count, line[nameEnd] == UInt8(ascii: ":") else {
        throw .badRequest("A header field's name is not a token directly followed by a colon.")
    }
    var start = nameEnd + 1
    var end = line.count
    while start < end, isBlank(line[start]) { start += 1 }
    while end > start, isBlank(line[end - 1]) { end -= 1 }
    let name = line.extracting(0..<nameEnd)
    let value = line.extracting(start..<end)
    guard all(value, isFieldContent) else {
        throw .badRequest("A header field's value has a control character.")
    }
    try framing.note(name, value)
    headers.append(try text(name), try text(value))
}

func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

private func isFieldContent(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte != 0x7f || byte == UInt8(ascii: "\t")
}

/// Returns the end of a line. The head is complete, so every line has one.
private func endOfLine(in bytes: Span<UInt8>, from start: Int) -> Int {
    (firstIndex(of: UInt8(ascii: "\n"), in: bytes, from: start) ?? bytes.count + 1) - 1
}
