import XCTest

/// The largest sizes, and words that mean unfinished work.
final class StyleTests: XCTestCase {
    private let tree = SourceTree.shared

    func testFilesAndLinesStayShort() {
        for file in tree.swift(under: "Services", "Shared", "Tests") {
            XCTAssertLessThanOrEqual(file.lines.count, 500, file.path)
            for (number, line) in file.ownLines where !line.contains("\"") {
                XCTAssertLessThanOrEqual(line.count, 100, "\(file.path):\(number)")
            }
        }
    }

    func testFunctionsStayShort() {
        for file in tree.swift(under: "Services", "Shared") {
            for function in functions(of: file) {
                XCTAssertLessThanOrEqual(
                    function.lines, 60, "\(file.path):\(function.start) is a long function")
            }
        }
    }

    func testNothingIsABanner() {
        for file in tree.swift(under: "Services", "Shared", "Tests") {
            XCTAssertFalse(file.text.contains("// MA" + "RK"), "\(file.path) has a banner")
        }
    }

    func testNothingIsLeftUnfinished() {
        let words = [
            "TO" + "DO", "FIX" + "ME", "XX" + "X:", "not " + "implemented", "XCT" + "Skip",
        ]
        for file in tree.files where !file.path.hasPrefix("Tests/TidyTests") {
            for word in words {
                XCTAssertFalse(file.text.contains(word), "\(file.path) says \(word)")
            }
        }
    }

    func testNoTestSleeps() {
        // A benchmark measures time, so it may let some pass.
        let exempt = ["Tests/TidyTests", "Tests/Bench"]
        for file in tree.swift(under: "Tests")
        where !exempt.contains(where: file.path.hasPrefix) {
            for (number, text) in file.code {
                XCTAssertNil(
                    text.range(
                        of: #"\b(Thread|Task)\.sleep|\busleep\(|(^|[^a-zA-Z_.])sleep\("#,
                        options: .regularExpression),
                    "\(file.path):\(number) sleeps")
            }
        }
    }

    private func functions(of file: SourceTree.File) -> [(start: Int, lines: Int)] {
        var found: [(start: Int, lines: Int)] = []
        var open: (start: Int, indent: Int)?
        for (index, line) in file.lines.enumerated() {
            let indent = line.prefix { $0 == " " }.count
            let text = line.dropFirst(indent)
            let begins =
                text.range(
                    of:
                        #"^(@\w+ )*((public|private|fileprivate|internal|static|mutating|nonisolated|override) )*(func |init[(?])"#,
                    options: .regularExpression) != nil
            if begins, open == nil, !text.hasSuffix("}") { open = (index + 1, indent) }
            if let function = open, text == "}", indent == function.indent {
                found.append((function.start, index + 2 - function.start))
                open = nil
            }
        }
        return found
    }
}
