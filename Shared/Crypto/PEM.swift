/// One block of a PEM text (RFC 7468), tolerant of what happens to keys on their way through
/// environment variables and secret stores: CRLF, surrounding blanks, lines joined by blanks,
/// `\n` spelled out, the whole text wrapped in Base64 once more.
struct PEMBlock: Equatable {
    /// The words after `BEGIN`, for example `RSA PRIVATE KEY`.
    let label: String
    /// The decoded body; empty when `isEncrypted`.
    let der: [UInt8]
    /// Encrypted in the traditional way: `Proc-Type: 4,ENCRYPTED` before the body.
    let isEncrypted: Bool

    /// Every block of `text`, in order; at least one.
    static func blocks(in text: String) throws(KeyError) -> [PEMBlock] {
        let lines = plainLines(of: text)
        if let blocks = try parse(lines) { return blocks }
        let joined = lines.joined().filter { !$0.isWhitespace }
        guard let inner = Base64.decode(joined),
            let blocks = try parse(plainLines(of: String(decoding: inner, as: UTF8.self)))
        else { throw .notPEM }
        return blocks
    }

    func pem() -> String {
        var lines = ["-----BEGIN \(label)-----"]
        var rest = Base64.encode(der)[...]
        while !rest.isEmpty {
            lines.append(String(rest.prefix(64)))
            rest = rest.dropFirst(64)
        }
        lines.append("-----END \(label)-----\n")
        return lines.joined(separator: "\n")
    }

    /// One word of Base64, one header or one `-----` marker per element, without blanks around it.
    private static func plainLines(of text: String) -> [String] {
        var characters: [Character] = []
        var escaped = false
        for character in text {
            switch (escaped, character) {
            case (false, "\\"): escaped = true
            case (true, "n"), (true, "r"):
                characters.append("\n")
                escaped = false
            case (true, _):
                characters += ["\\", character]
                escaped = false
            case (false, _): characters.append(character)
            }
        }
        return separatingMarkers(String(characters)).split(whereSeparator: \.isNewline)
            .map { $0.drop(while: \.isWhitespace) }
            .map { line in
                let end = line.lastIndex { !$0.isWhitespace }
                return end.map { String(line[...$0]) } ?? ""
            }
            .filter { !$0.isEmpty }
    }

    /// Puts each `-----..-----` on a line of its own, for texts whose line ends became blanks.
    private static func separatingMarkers(_ text: String) -> String {
        let pieces = text.split(separator: marker, omittingEmptySubsequences: false)
        guard pieces.count > 1 else { return text }
        return pieces.enumerated()
            .map { $0.offset.isMultiple(of: 2) ? "\n\($0.element)\n" : "\(marker)\($0.element)" }
            .joined()
    }

    private static let marker = "-----"

    /// Returns nil if there is no marker at all.
    private static func parse(_ lines: [String]) throws(KeyError) -> [PEMBlock]? {
        var blocks: [PEMBlock] = []
        var open: (label: String, body: [String])?
        for line in lines {
            if let label = line.removing(prefix: "\(marker)BEGIN ") {
                guard open == nil else { throw .malformed }
                open = (label, [])
            } else if let label = line.removing(prefix: "\(marker)END ") {
                guard let block = open, block.label == label else { throw .malformed }
                blocks.append(try PEMBlock(label: label, body: block.body))
                open = nil
            } else {
                open?.body.append(line)
            }
        }
        guard open == nil else { throw .malformed }
        return blocks.isEmpty ? nil : blocks
    }

    private init(label: String, body: [String]) throws(KeyError) {
        let headers = body.prefix { $0.contains(":") }
        self.label = label
        isEncrypted = headers.contains { $0.contains("ENCRYPTED") }
        guard !isEncrypted else {
            der = []
            return
        }
        let text = body.dropFirst(headers.count).joined().filter { !$0.isWhitespace }
        guard let der = Base64.decode(text), !der.isEmpty else { throw .malformed }
        self.der = der
    }

    init(label: String, der: [UInt8]) {
        self.label = label
        self.der = der
        isEncrypted = false
    }
}

extension String {
    fileprivate func removing(prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
