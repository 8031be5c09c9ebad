extension HTTPClientRequest {
    /// Fields that frame or route the message; a caller's own could contradict libcurl's.
    private static let reserved = [
        "Connection", "Content-Length", "Expect", "Host", "Transfer-Encoding",
    ]

    /// Scheme and authority of a request that may be handed to libcurl.
    ///
    /// libcurl writes methods, targets and headers unchecked, so characters that could end a line
    /// early are refused here.
    func checkedHost() throws(HTTPClientError) -> String {
        guard !method.isEmpty, method.utf8.allSatisfy(isToken) else {
            throw .notSent(reason: "the method is not a token")
        }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw .notSent(reason: "the URL has a character that must be encoded")
        }
        guard headers.areWritable else {
            throw .notSent(reason: "a header field has a character that may not be sent")
        }
        if let name = Self.reserved.first(where: { headers[$0] != nil }) {
            throw .notSent(reason: "the header field \(name) is the client's own")
        }
        guard let host = hostKey else { throw .notSent(reason: "the URL is not http or https") }
        return host
    }

    /// The URL up to the end of its authority; only a key, libcurl parses the URL itself.
    private var hostKey: String? {
        guard let scheme = ["http://", "https://"].first(where: url.hasPrefix) else { return nil }
        let rest = url.utf8.dropFirst(scheme.utf8.count)
        let end = rest.firstIndex { endsAuthority($0) } ?? url.endIndex
        return end == rest.startIndex ? nil : String(url[..<end])
    }
}

private func endsAuthority(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "\\"): true
    case _: false
    }
}
