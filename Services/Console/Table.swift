/// Columns for people: as wide as their widest cell, the last one ragged.
struct Table {
    private let head: [String]
    private var rows: [[String]] = []
    /// In characters; more is cut and ends in `…`.
    private let cellCharactersMax: Int

    init(_ head: [String], cellCharactersMax: Int = 96) {
        self.head = head
        self.cellCharactersMax = cellCharactersMax
    }

    /// - Parameter cells: one for each column of the head; an empty one shows as `-`.
    mutating func append(_ cells: [String]) {
        rows.append(
            cells.map { cell in
                let visible = Printer.escaped(cell)
                if visible.isEmpty { return "-" }
                return visible.count <= cellCharactersMax
                    ? visible : visible.prefix(cellCharactersMax - 1) + "…"
            })
    }

    var lines: [String] {
        let all = [head] + rows
        let widths = head.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            let padded = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }
            let line = padded.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}
