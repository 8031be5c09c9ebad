/// The delimitation of a request's body, and the header fields that govern the connection.
struct Framing: Equatable {
    enum Body: Equatable {
        case fixed(bytes: Int)
        case chunked
    }

    let body: Body
    let expectsContinue: Bool
    let keepsAlive: Bool
}

/// Gathers the header fields that frame a message, refusing at the first that is repeated or
/// malformed.
struct FramingFields {
    private var hasHost = false
    private var contentLength: Int?
    private var isChunked = false
    private var hasTransferEncoding = false
    private var expectsContinue = false
    private var closes = false

    mutating func note(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(RequestError) {
        switch name.count {
        case 4 where equalIgnoringCase(name, "host"):
            try noteHost(value)
        case 6 where equalIgnoringCase(name, "expect"):
            try noteExpect(value)
        case 10 where equalIgnoringCase(name, "connection"):
            try noteConnection(value)
        case 14 where equalIgnoringCase(name, "content-length"):
            try noteContentLength(value)
        case 16 where equalIgnoringCase(name, "content-encoding"):
            throw RequestError(
                415, "Content-Encoding is not supported; send the body uncompressed.")
        case 17 where equalIgnoringCase(name, "transfer-encoding"):
            try noteTransferEncoding(value)
        case _:
            break
        }
    }

    /// RFC 9112 sections 3.2, 6.1 and 6.3.
    func framing(version: HTTPVersion) throws(RequestError) -> Framing {
        if hasTransferEncoding {
            guard version == .http11 else {
                throw .badRequest("Transfer-Encoding is not part of HTTP/1.0.")
            }
            guard contentLength == nil else {
                throw .badRequest(
                    "The request has both Content-Length and Transfer-Encoding; send one.")
            }
            guard isChunked else {
                throw RequestError(501, "Transfer-Encoding is not supported; only chunked is.")
            }
        }
        guard hasHost || version == .http10 else {
            throw .badRequest("The header field Host is missing.")
        }
        return Framing(
            body: isChunked ? .chunked : .fixed(bytes: contentLength ?? 0),
            expectsContinue: expectsContinue && version == .http11,
            keepsAlive: !closes && version == .http11)
    }

    private mutating func noteHost(_ value: Span<UInt8>) throws(RequestError) {
        guard !hasHost else { throw .badRequest("The header field Host comes more than once.") }
        guard isHost(value) else { throw .badRequest("The header field Host is malformed.") }
        hasHost = true
    }

    private mutating func noteExpect(_ value: Span<UInt8>) throws(RequestError) {
        guard equalIgnoringCase(value, "100-continue") else {
            throw RequestError(417, "The header field Expect has another value than 100-continue.")
        }
        expectsContinue = true
    }

    private mutating func noteContentLength(_ value: Span<UInt8>) throws(RequestError) {
        guard contentLength == nil else {
            throw .badRequest("The header field Content-Length comes more than once.")
        }
        guard let length = decimal(value) else {
            throw .badRequest("The header field Content-Length is malformed.")
        }
        contentLength = length
    }

    private mutating func noteTransferEncoding(_ value: Span<UInt8>) throws(RequestError) {
        guard !hasTransferEncoding else {
            throw .badRequest("The header field Transfer-Encoding comes more than once.")
        }
        hasTransferEncoding = true
        isChunked = equalIgnoringCase(value, "chunked")
    }

    /// A list of tokens; only `close` means anything here.
    private mutating func noteConnection(_ value: Span<UInt8>) throws(RequestError) {
        var start = 0
        while start <= value.count {
            var end = firstIndex(of: UInt8(ascii: ","), in: value, from: start) ?? value.count
            let next = end + 1
            while start < end, isBlank(value[start]) { start += 1 }
            while end > start, isBlank(value[end - 1]) { end -= 1 }
            let option = value.extracting(start..<end)
            guard all(option, isToken) else {
                throw .badRequest("The header field Connection is malformed.")
            }
            if equalIgnoringCase(option, "close") { closes = true }
            start = next
        }
    }
}

/// Reads digits without a leading zero, which a proxy could take for octal. 15 digits do not
/// overflow, and no real body is longer.
private func decimal(_ value: Span<UInt8>) -> Int? {
    guard (1...15).contains(value.count), all(value, isDigit) else { return nil }
    guard value.count == 1 || value[0] != UInt8(ascii: "0") else { return nil }
    var number = 0
    for index in value.indices { number = number * 10 + Int(value[index] - 0x30) }
    return number
}

/// `uri-host [ ":" port ]` (RFC 9110 section 7.2), never empty.
private func isHost(_ value: Span<UInt8>) -> Bool {
    var end = 0
    if value.count > 0, value[0] == UInt8(ascii: "[") {
        guard let close = firstIndex(of: UInt8(ascii: "]"), in: value, from: 0), close > 1
        else { return false }
        let address = value.extracting(1..<close)
        guard all(address, { hexValue($0) != nil || $0 == 0x3a || $0 == 0x2e }) else {
            return false
        }
        end = close + 1
    } else {
        while end < value.count, isHostName(value[end]) { end += 1 }
    }
    guard end > 0 else { return false }
    if end == value.count { return true }
    let port = value.extracting((end + 1)...)
    return value[end] == UInt8(ascii: ":") && port.count <= 5 && all(port, isDigit)
}
