/// A table for people. A column is as wide as its widest cell.
struct TextTable {
    private let head: [String]
    private var rows: [[String]] = []
    /// A longer cell is cut and ends in `…`.
    private let cellCharactersMax: Int

    init(_ head: [String], cellCharactersMax: Int = 96) {
        self.head = head
        self.cellCharactersMax = cellCharactersMax
    }

    /// - Parameter cells: one for each column of the head. An empty cell shows as `-`.
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
