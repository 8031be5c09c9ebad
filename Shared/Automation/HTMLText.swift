/// The text of a rich-text field. It is no parser of HTML: tags are dropped, entities are resolved,
/// and the result is used as plain text only.
enum HTMLText {
    static func plain(_ html: String) -> String {
        var text = ""
        var rest = Substring(html)
        while let character = rest.first {
            if character == "<", let end = tagEnd(rest) {
                if isBreak(rest[..<end]) { text += "\n" }
                rest = rest[end...].dropFirst()
            } else if character == "&", let (resolved, length) = entity(rest) {
                text += resolved
                rest = rest.dropFirst(length)
            } else {
                text.append(character)
                rest = rest.dropFirst()
            }
        }
        return text
    }

    /// Only `<` before a letter, `/` or `!` opens a tag: "a < b" is text.
    private static func tagEnd(_ text: Substring) -> Substring.Index? {
        guard let next = text.dropFirst().first, next.isLetter || next == "/" || next == "!" else {
            return nil
        }
        return text.firstIndex(of: ">")
    }

    private static func isBreak(_ tag: Substring) -> Bool {
        let name = tag.dropFirst().prefix { $0.isLetter || $0 == "/" }.lowercased()
        return ["br", "br/", "/p", "/div", "/li"].contains(name)
    }

    private static func entity(_ text: Substring) -> (text: String, length: Int)? {
        let candidate = text.prefix(12)
        guard let end = candidate.firstIndex(of: ";") else { return nil }
        let name = candidate[..<end].dropFirst()
        let named = [
            "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": " ",
        ]
        let resolved = named[String(name)] ?? numbered(name)
        return resolved.map { ($0, name.count + 2) }
    }

    private static func numbered(_ name: Substring) -> String? {
        guard name.first == "#" else { return nil }
        let digits = name.dropFirst()
        let value =
            digits.first == "x" || digits.first == "X"
            ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
        return value.flatMap(Unicode.Scalar.init).map { String(Character($0)) }
    }
}
