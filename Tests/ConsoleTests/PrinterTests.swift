import JSON
import XCTest

@testable import Console

final class PrinterTests: XCTestCase {
    func testInvisibleCharactersAreEscaped() {
        check("plain text, Überfall, 障害, 🔥", "plain text, Überfall, 障害, 🔥")
        check("\u{1B}[2Jgone", #"\u001b[2Jgone"#)
        check("a\nb\r\tc\0", #"a\u000ab\u000d\u0009c\u0000"#)
        check("\u{7F}\u{9B}31m", #"\u007f\u009b31m"#)
        check("\u{202E}gnp.exe\u{2066}\u{200F}", #"\u202egnp.exe\u2066\u200f"#)
        check("zero\u{200B}width\u{FEFF}", #"zero\u200bwidth\ufeff"#)
        check("\u{2028}\u{2029}", #"\u2028\u2029"#)
        check("tag\u{E0041}", #"tag\udb40\udc41"#)
        check("\u{E000}", #"\ue000"#)
    }

    func testEscapedJSONIsTheSameJSON() throws {
        let value: JSON = ["title": "\u{202E}\u{1B}[31m\u{9B}\u{E0041}\n", "plain": "ä"]
        let printed = Printer.escaped(value.text)
        XCTAssertEqual(try JSON(parsing: printed), value)
        XCTAssertFalse(printed.contains("\u{202E}"))
    }

    func testColumnsAreAlignedAndCellsStayOnOneLine() {
        var table = TextTable(["ID", "TITLE", "END"], cellCharactersMax: 12)
        table.append(["1", "two\nlines", "x"])
        table.append(["1234", "", "much too long for a cell"])
        XCTAssertEqual(
            table.lines,
            [
                "ID    TITLE         END",
                #"1     two\u000ali…  x"#,
                "1234  -             much too lo…",
            ])
    }

    private func check(_ text: String, _ expected: String, line: UInt = #line) {
        XCTAssertEqual(Printer.escaped(text), expected, line: line)
    }
}
