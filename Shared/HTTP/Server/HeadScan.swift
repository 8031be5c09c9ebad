/// Looks for the empty line that ends a head, over as many reads as it takes, and enforces the
/// limits on lines before a whole head has been buffered.
///
/// A line ends with CR LF and nothing else. RFC 9112 section 2.2 lets a recipient take a bare LF
/// and skip empty lines before a request; this one takes neither, because a proxy in front may
/// have decided differently.
struct HeadScan {
    private var scanned = 0
    private var lineStart = 0
    private var lines = 0

    /// The length of the head with its empty line; nil before that line has arrived.
    ///
    /// - Parameter bytes: everything received since the start of this head; grows between calls.
    mutating func headLength(
        in bytes: Span<UInt8>, limits: HTTPServerLimits
    ) throws(RequestError) -> Int? {
        while scanned < bytes.count {
            if bytes[scanned] == UInt8(ascii: "\n"), try lineEnds(in: bytes, limits) {
                return scanned + 1
            }
            scanned += 1
        }
        // The bytes counted may include the line's CR.
        try checkLength(of: scanned - lineStart - 1, limits)
        return nil
    }

    /// Returns true if the line that ends at `scanned` is the empty one.
    private mutating func lineEnds(
        in bytes: Span<UInt8>, _ limits: HTTPServerLimits
    ) throws(RequestError) -> Bool {
        guard scanned > lineStart, bytes[scanned - 1] == UInt8(ascii: "\r") else {
            throw .badRequest("A line of the head does not end with CR LF.")
        }
        let length = scanned - 1 - lineStart
        try checkLength(of: length, limits)
        if length == 0 {
            guard lines > 0 else { throw .badRequest("The request line is missing.") }
            return true
        }
        lines += 1
        lineStart = scanned + 1
        guard lines <= limits.headerFieldsMax + 1 else {
            throw RequestError(
                431, "The request has more than \(limits.headerFieldsMax) header fields.")
        }
        return false
    }

    private func checkLength(of line: Int, _ limits: HTTPServerLimits) throws(RequestError) {
        let fieldBytesMax = limits.headerFieldBytesMax
        if line > fieldBytesMax {
            throw lines == 0
                ? RequestError(414, "The request line is longer than \(fieldBytesMax) bytes.")
                : RequestError(431, "A header field is longer than \(fieldBytesMax) bytes.")
        }
        if scanned > limits.headerBytesMax {
            throw RequestError(431, "The head is longer than \(limits.headerBytesMax) bytes.")
        }
    }
}
