import JSON

/// The output of a command.
///
/// Titles and names come from strangers and may hold characters that move a cursor, recolour a
/// screen or reverse a line. So every line passes through `escaped`.
struct Printer: Sendable {
    private let write: @Sendable (String) -> Void

    init(_ write: @escaping @Sendable (String) -> Void) { self.write = write }

    /// Writes exactly one line, whatever the text holds.
    func line(_ text: String = "") { write(Self.escaped(text)) }

    /// Writes the lines of a text whose line ends are our own.
    func lines(_ text: String) {
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            self.line(String(line))
        }
    }

    /// Writes one line for programs.
    func json(_ value: JSON) { line(value.text) }

    /// The text with `\uXXXX` for each UTF-16 unit of an invisible character: controls (C0, DEL,
    /// C1), format characters (which reorder, join or hide others), line and paragraph separators,
    /// private and unassigned characters. The form is JSON's, so JSON stays the same JSON.
    static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isInvisible) else { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            if isInvisible(scalar) {
                for unit in String(scalar).utf16 { escaped += "\\u" + hexadecimal(unit) }
            } else {
                escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
            .paragraphSeparator:
            true
        default: false
        }
    }

    private static func hexadecimal(_ unit: UInt16) -> String {
        let digits = String(unit, radix: 16)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }
}
