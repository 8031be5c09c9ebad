import XCTest

/// `deploy/up` reads from the logs of the programs where they listen.
final class ScriptTests: XCTestCase {
    func testTheProgramsSayWhatTheScriptWaitsFor() throws {
        let tree = SourceTree.shared
        let script = try XCTUnwrap(tree.files.first { $0.path == "deploy/up" }).text
        let asked = script.matches(of: /\$\(logged (\w+) (\w+) (\w+)\)/)
        XCTAssertEqual(asked.count, 5)
        for question in asked {
            let (_, program, message, field) = question.output
            let folder = "Services/\(program.prefix(1).uppercased())\(program.dropFirst())/"
            let line = try Regex(#"log\.info\(\s*"\#(message)",[^\]]*"\#(field)": "#)
            let says = tree.files.contains {
                $0.path.hasPrefix(folder) && $0.text.contains(line)
            }
            XCTAssertTrue(says, "\(program) says \(message) without \(field)")
        }
    }
}
