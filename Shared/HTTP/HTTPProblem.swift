extension HTTPResponse {
    /// A problem document (RFC 9457) of the kind `about:blank`: the status says what is wrong,
    /// `detail` says it to a person. `detail` must not hold secrets: it goes to the client.
    public static func problem(
        status: Int, detail: String, headers: HTTPHeaders = [:], closesConnection: Bool = false
    ) -> HTTPResponse {
        let title = reasonPhrase(of: status)
        let document =
            #"{"type":"about:blank","title":"\#(title)","status":\#(status),"detail":""#
        var headers = headers
        headers["Content-Type"] = "application/problem+json"
        return HTTPResponse(
            status: status, headers: headers,
            body: document.utf8 + jsonEscaped(detail) + Array(#""}"#.utf8),
            closesConnection: closesConnection)
    }

    /// 503 with `Retry-After`: nothing was done, and the same request may be sent again.
    public static func unavailable(
        retryAfter: Duration = .seconds(1), detail: String, closesConnection: Bool = false
    ) -> HTTPResponse {
        .problem(
            status: 503, detail: detail,
            headers: ["Retry-After": String(retryAfter.wholeSecondsUp)],
            closesConnection: closesConnection)
    }
}

private func jsonEscaped(_ text: String) -> [UInt8] {
    let hexDigits = Array("0123456789abcdef".utf8)
    var escaped: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            escaped += [UInt8(ascii: "\\"), byte]
        case 0..<0x20:
            escaped += Array(#"\u00"#.utf8)
            escaped += [hexDigits[Int(byte >> 4)], hexDigits[Int(byte & 15)]]
        case _:
            escaped.append(byte)
        }
    }
    return escaped
}

/// RFC 9110 section 15; a status that is not listed has no phrase, which the grammar allows.
func reasonPhrase(of status: Int) -> String {
    reasonPhrases[status] ?? ""
}

private let reasonPhrases: [Int: String] = [
    200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 206: "Partial Content",
    300: "Multiple Choices", 301: "Moved Permanently", 302: "Found", 303: "See Other",
    304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect",
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 406: "Not Acceptable", 408: "Request Timeout", 409: "Conflict",
    410: "Gone", 411: "Length Required", 412: "Precondition Failed", 413: "Content Too Large",
    414: "URI Too Long", 415: "Unsupported Media Type", 417: "Expectation Failed",
    422: "Unprocessable Content", 426: "Upgrade Required", 428: "Precondition Required",
    429: "Too Many Requests", 431: "Request Header Fields Too Large",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
]
