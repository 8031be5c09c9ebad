import Foundation
import Glibc
import Runtime
import XCTest

final class EnvironmentReaderTests: XCTestCase {
    func testAGetterTakesWhatItsGrammarAllows() {
        check(["X": "12"], { $0.integer("X", in: 1...20) }, gives: 12)
        check([:], { $0.integer("X", in: 1...20, default: 7) }, gives: 7)
        check(["X": "0.25"], { $0.seconds("X", in: 0...1) }, gives: .milliseconds(250))
        check([:], { $0.seconds("X", in: 0...1, default: 1) }, gives: .seconds(1))
        check(["X": "3"], { $0.wholeSeconds("X", in: 1...9) }, gives: .seconds(3))
        check(["X": "512"], { $0.bytes("X", in: 0...1024) }, gives: 512)
        check(["X": "4MiB"], { $0.bytes("X", in: 0...(1 << 30)) }, gives: 4 << 20)
        check(["X": "error"], { $0.choice("X", default: Log.Level.info) }, gives: .error)
        check(["X": "text"], { $0.string("X") }, gives: "text")
        check(["X": "s3cret"], { $0.secret("X").revealed }, gives: "s3cret")
        check([:], { $0.optionalSecret("X")?.revealed }, gives: nil)
    }

    func testAProblemNamesTheVariableAndWhatWasExpected() {
        refuse([:], { $0.integer("X", in: 1...20) }, "LIAISON_X is missing")
        refuse([:], { $0.string("X") }, "LIAISON_X is missing")
        refuse([:], { $0.secret("X").revealed }, "LIAISON_X is missing")
        refuse(
            ["X": ""], { $0.string("X", default: "d") },
            "LIAISON_X is empty; leave it out to get its default")
        for text in ["21", "0", "1.0", "one", "99999999999999999999"] {
            refuse(
                ["X": text], { $0.integer("X", in: 1...20) },
                "LIAISON_X is \"\(text)\"; expected a whole number from 1 to 20")
        }
        for text in ["nan", "inf", "2", "-1", "1s"] {
            refuse(
                ["X": text], { $0.seconds("X", in: 0...1) },
                "LIAISON_X is \"\(text)\"; expected seconds from 0.0 to 1.0")
        }
        for text in ["1KB", "KiB", "99999999999999GiB", "2KiB"] {
            refuse(
                ["X": text], { $0.bytes("X", in: 0...1024) },
                "LIAISON_X is \"\(text)\"; expected bytes from 0 to 1024")
        }
        refuse(
            ["X": "loud"], { $0.choice("X", default: Log.Level.info) },
            "LIAISON_X is \"loud\"; expected one of debug, info, warning, error")
    }

    func testEveryProblemIsReportedAtOnceAndUnknownNamesAreProblems() {
        let variables = ["LIAISON_A": "x", "LIAISON_B": "", "LIAISON_TYPO": "1", "OTHER": "1"]
        XCTAssertThrowsError(
            try EnvironmentReader.read(variables) { environment in
                _ = environment.integer("A", in: 0...1)
                _ = environment.string("B")
                environment.problem("A", "is smaller than LIAISON_B")
            }
        ) { error in
            XCTAssertEqual(
                (error as? ConfigurationProblems)?.lines,
                [
                    "LIAISON_A is \"x\"; expected a whole number from 0 to 1",
                    "LIAISON_B is empty; leave it out to get its default",
                    "LIAISON_A is smaller than LIAISON_B",
                    "LIAISON_TYPO is not a setting of this program; check its spelling",
                ])
        }
    }

    func testASecretComesFromAFileWithoutItsLastLineEnd() throws {
        for (contents, expected) in [
            ("s3cret", "s3cret"), ("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"),
            ("a\nb\n", "a\nb"),
        ] {
            let path = try file(contents)
            check(["X_FILE": path], { $0.secret("X").revealed }, gives: expected)
        }
    }

    func testASecretFileThatIsNoSecretIsAProblem() throws {
        refuse(
            ["X_FILE": "/nonexistent/x"], { $0.secret("X").revealed },
            "LIAISON_X_FILE names a file that cannot be read: No such file or directory")
        refuse(
            ["X_FILE": try file("\n")], { $0.secret("X").revealed },
            "LIAISON_X_FILE names a file that is empty")
        refuse(
            ["X_FILE": "/dev/zero"], { $0.secret("X").revealed },
            "LIAISON_X_FILE names a file that is longer than 65536 bytes")
        refuse(
            ["X_FILE": try file("a"), "X": "b"], { $0.secret("X").revealed },
            "LIAISON_X is set together with LIAISON_X_FILE; set one of them",
            "LIAISON_X is missing")
    }

    func testASecretNeverPrintsItself() {
        let secret = Secret("hunter2")
        var dumped = ""
        dump([secret], to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), "\([secret])", dumped] {
            XCTAssertFalse(text.contains("hunter2"), text)
        }
    }

    private typealias Read<Value> = (inout EnvironmentReader) -> Value

    private func check<Value: Equatable>(
        _ variables: [String: String], _ read: Read<Value>, gives expected: Value,
        line: UInt = #line
    ) {
        XCTAssertEqual(
            try EnvironmentReader.read(prefixed(variables), read), expected, line: line)
    }

    private func refuse<Value>(
        _ variables: [String: String], _ read: Read<Value>, _ lines: String..., line: UInt = #line
    ) {
        XCTAssertThrowsError(try EnvironmentReader.read(prefixed(variables), read), line: line) {
            guard let problems = $0 as? ConfigurationProblems else {
                return XCTFail("\($0)", line: line)
            }
            XCTAssertEqual(problems.lines.first, lines.first, line: line)
        }
    }

    private func prefixed(_ variables: [String: String]) -> [String: String] {
        Dictionary(uniqueKeysWithValues: variables.map { ("LIAISON_\($0.key)", $0.value) })
    }

    private func file(_ contents: String) throws -> String {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("liaison-\(UUID().uuidString)").path
        try contents.write(toFile: path, atomically: true, encoding: .utf8)
        addTeardownBlock { unlink(path) }
        return path
    }
}
