extension String {
    /// Everything but RFC 3986's unreserved characters as `%XX`.
    var percentEncoded: String {
        var output: [UInt8] = []
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                output.append(byte)
            default:
                let digits = Array("0123456789ABCDEF".utf8)
                output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// At most `utf16Max` UTF-16 units, which is how both vendors count characters; a cut shows as
    /// `…` at the end.
    func cut(utf16Max: Int) -> String {
        guard utf16.count > utf16Max else { return self }
        var kept = ""
        var units = 1
        for character in self {
            units += character.utf16.count
            if units > utf16Max { break }
            kept.append(character)
        }
        return kept + "…"
    }

    /// Pieces of at most `bytesMax` UTF-8 bytes each, whole characters wherever one fits.
    func pieces(bytesMax: Int) -> [String] {
        var pieces: [String] = []
        var piece = ""
        func append(_ text: String) {
            if piece.utf8.count + text.utf8.count > bytesMax, !piece.isEmpty {
                pieces.append(piece)
                piece = ""
            }
            piece += text
        }
        for character in self {
            if character.utf8.count <= bytesMax {
                append(String(character))
            } else {
                for scalar in character.unicodeScalars { append(String(scalar)) }
            }
        }
        return piece.isEmpty && !pieces.isEmpty ? pieces : pieces + [piece]
    }

    /// The text itself when it fits; else parts that begin with `(1/3) `, `(2/3) ` ...
    /// Beyond `partsMax` parts the rest is cut off, which shows as `…`.
    func numberedParts(bytesMax: Int, partsMax: Int) -> [String] {
        guard utf8.count > bytesMax else { return [self] }
        let digits = String(partsMax).utf8.count
        let mark = "…"
        let room = bytesMax - "(/) ".utf8.count - 2 * digits - mark.utf8.count
        let all = pieces(bytesMax: room)
        let kept = all.prefix(partsMax)
        return kept.enumerated().map { index, piece in
            let isCut = kept.count < all.count && index == kept.count - 1
            return "(\(index + 1)/\(kept.count)) " + piece + (isCut ? mark : "")
        }
    }
}
