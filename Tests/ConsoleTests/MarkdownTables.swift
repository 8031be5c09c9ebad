import JSON

/// The tables of a Markdown file, by the heading that they stand under.
struct MarkdownTables {
    /// The cells of each row, without the head.
    private(set) var rows: [String: [[String]]] = [:]
    /// The text of the only block of JSON.
    private(set) var json = ""

    init(_ text: String) {
        var heading = ""
        var isJSON = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                isJSON = line == "```json"
            } else if isJSON {
                json += line + "\n"
            } else if line.hasPrefix("#") {
                heading = String(line.drop { $0 == "#" || $0 == " " })
            } else if line.hasPrefix("|"), !line.hasPrefix("|---") {
                rows[heading, default: []].append(Self.cells(line))
            }
        }
        rows = rows.mapValues { Array($0.dropFirst()) }
    }

    private static func cells(_ line: Substring) -> [String] {
        line.replacing("\\|", with: "/").split(separator: "|", omittingEmptySubsequences: false)
            .dropFirst().dropLast().map { String($0.trimmed) }
    }

    /// The words in backticks of the first columns under a heading, in their order.
    func names(_ heading: String, columns: Int = 1) -> [String] {
        (rows[heading] ?? []).flatMap { $0.prefix(columns).flatMap(Self.quoted) }
    }

    /// The words in backticks.
    static func quoted(_ cell: String) -> [String] {
        cell.matches(of: /`([^`]*)`/).map { String($0.1) }
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        let start = drop { $0 == " " }
        return start.lastIndex { $0 != " " }.map { start[...$0] } ?? ""
    }
}
