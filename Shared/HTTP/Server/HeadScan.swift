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

    /// The length of the head with its empty line, or `nil` while that has not come.
    ///
    /// - Parameter bytes: everything received since the start of this head; grows between calls.
    mutating func headLength(
        in bytes: Span<UInt8>, limits: HTTPServerLimits
    ) throws(Refusal) -> Int? {
        while scanned < bytes.count {
            if bytes[scanned] == UInt8(ascii: "\n"), try lineEnds(in: bytes, limits) {
                return scanned + 1
            }
            scanned += 1
        }
        // The line's CR may be among them.
        try checkLength(of: scanned - lineStart - 1, limits)
        return nil
    }

    /// Whether the line that ends at `scanned` is the empty one.
    private mutating func lineEnds(
        in bytes: Span<UInt8>, _ limits: HTTPServerLimits
    ) throws(Refusal) -> Bool {
        guard scanned > lineStart, bytes[scanned - 1] == UInt8(ascii: "\r") else {
            throw .badRequest("A line of the head does not end with CR LF.")
        }
        let length = scanned - 1 - lineStart
        try checkLength(of: length, limits)
        if length == 0 {
            guard lines > 0 else { throw .badRequest("There is no request line.") }
            return true
        }
        lines += 1
        lineStart = scanned + 1
        guard lines <= limits.headerFieldsMax + 1 else {
            throw Refusal(431, "There are more than \(limits.headerFieldsMax) header fields.")
        }
        return false
    }

    private func checkLength(of line: Int, _ limits: HTTPServerLimits) throws(Refusal) {
        let fieldBytesMax = limits.headerFieldBytesMax
        if line > fieldBytesMax {
            throw lines == 0
                ? Refusal(414, "The request line is longer than \(fieldBytesMax) bytes.")
                : Refusal(431, "A header field is longer than \(fieldBytesMax) bytes.")
        }
        if scanned > limits.headerBytesMax {
            throw Refusal(431, "The head is longer than \(limits.headerBytesMax) bytes.")
        }
    }
}
