import Glibc
import JSON

/// A measured number with its yardstick and its goal.
struct Measurement {
    let name: String
    let value: Double
    let unit: String
    /// A number of the same unit from the same run; nil where nothing comparable exists.
    var yardstick: Double?
    /// The value divided by the yardstick.
    var ratio: Double? {
        yardstick.flatMap { $0 > 0 ? value / $0 : nil }
    }
    let goal: String
    let ok: Bool

    /// The line of `bench.jsonl`.
    var json: JSON {
        [
            "name": .string(name), "value": rounded(value), "unit": .string(unit),
            "yardstick": yardstick.map(rounded) ?? .null, "ratio": ratio.map(rounded) ?? .null,
            "goal": .string(goal), "ok": .bool(ok),
        ]
    }

    /// The row of the table.
    var row: [String] {
        [
            name, "\(short(value)) \(unit)", yardstick.map(short) ?? "-", ratio.map(short) ?? "-",
            goal, ok ? "ok" : "missed",
        ]
    }

    static let header = ["name", "value", "yardstick", "ratio", "goal", ""]
}

/// Aligns the columns of rows.
func table(_ rows: [[String]]) -> String {
    let widths = (0..<(rows.first?.count ?? 0)).map { column in
        rows.map { $0[column].count }.max() ?? 0
    }
    return rows.map { row in
        zip(row, widths).map { text, width in
            text + String(repeating: " ", count: width - text.count)
        }.joined(separator: "  ")
    }.joined(separator: "\n")
}

/// Rounds a number to four significant digits, or to an integer from 1,000 on.
func short(_ value: Double) -> String {
    let decimals = abs(value) >= 1000 ? 0 : abs(value) >= 100 ? 1 : abs(value) >= 10 ? 2 : 3
    let scale = pow(10, Double(decimals))
    let scaled = Int64((value * scale).rounded())
    guard decimals > 0 else { return String(scaled) }
    let digits = String(abs(scaled))
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    return (scaled < 0 ? "-" : "") + padded.dropLast(decimals) + "." + padded.suffix(decimals)
}

private func rounded(_ value: Double) -> JSON {
    JSONNumber((value * 10_000).rounded() / 10_000).map(JSON.number) ?? .null
}
