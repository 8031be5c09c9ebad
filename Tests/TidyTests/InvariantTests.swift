import XCTest

/// The invariants of the README, each with its test.
final class InvariantTests: XCTestCase {
    private let tree = SourceTree.shared

    func testTopLevelHoldsNothingElse() throws {
        let allowed: Set = ["Package.swift", "README.md", "Services", "Shared", "Tests", "deploy"]
        let found = try FileManager.default.contentsOfDirectory(atPath: tree.root.path)
        XCTAssertEqual(found.filter { !$0.hasPrefix(".") && !allowed.contains($0) }, [])
    }

    func testPackageHasNoDependencies() {
        let package = tree.files.first { $0.path == "Package.swift" }?.text ?? ""
        XCTAssertTrue(package.contains("dependencies: [],"))
        XCTAssertFalse(package.contains(".package("))
    }

    func testEveryDeclaredDependencyIsImported() {
        let package = tree.files.first { $0.path == "Package.swift" }?.text ?? ""
        let declaration =
            #/(?:name: |tests\(\s*)"(\w+)",\s*(?:dependencies: )?\[([^\]]*)\](?:,\s*path: "([^"]+)")?/#
        let targets = package.matches(of: declaration)
        XCTAssertFalse(targets.isEmpty)
        for target in targets {
            let folder = target.3.map(String.init) ?? "Tests/\(target.1)"
            let imported = Set(
                tree.swift(under: folder).flatMap(\.code).compactMap { line -> Substring? in
                    guard line.text.contains("import ") else { return nil }
                    return line.text.firstMatch(of: #/^(?:@\w+ )*import (?:[a-z]+ )?(\w+)/#)?.1
                })
            let declared = Set(target.2.matches(of: #/\w+/#).map(\.output))
            XCTAssertEqual(declared.subtracting(imported), [], "\(target.1) imports no such thing")
        }
    }

    func testDecisionsArePure() {
        forbid(
            #"\basync\b|\bawait\b|\bTask\b|\bDate\(|Clock\b|\.random|SystemRandom|\bgetenv\b|FileManager"#,
            in: tree.swift(under: "Shared/Models", "Shared/Automation"))
    }

    func testMechanismsDoNotKnowTheDomain() {
        forbid(
            #"import (Models|Automation|Store|Connectors)\b"#,
            in: tree.swift(
                under: "Shared/Postgres", "Shared/HTTP", "Shared/Crypto", "Shared/Runtime",
                "Shared/JSON"))
        forbid(
            "(?i)pagerduty|salesforce|webhook|incident",
            in: tree.swift(
                under: "Shared/Postgres", "Shared/HTTP", "Shared/Crypto", "Shared/Runtime",
                "Shared/JSON"))
    }

    func testStoreAndConnectorsDoNotKnowEachOther() {
        forbid(#"import Connectors\b"#, in: tree.swift(under: "Shared/Store"))
        forbid(#"import (Store|Postgres)\b"#, in: tree.swift(under: "Services/Connectors"))
    }

    func testOnlyTheWorkerCallsVendors() {
        let others = tree.swift(under: "Services", "Shared").filter {
            $0.target != "Services/Worker" && $0.target != "Services/Connectors"
        }
        forbid(#"import Connectors\b"#, in: others)
    }

    func testIngestEvaluatesNoRule() {
        forbid(#"\bRulebook\b|\bjudge\("#, in: tree.swift(under: "Services/Ingest"))
    }

    func testSQLStandsInTheStoreOnly() {
        let others = tree.swift(under: "Services", "Shared").filter {
            $0.target != "Shared/Store" && $0.target != "Shared/Postgres"
                && !$0.path.contains("Sandbox/Salesforce")
        }
        for file in others {
            for (index, line) in file.lines.enumerated() where !isComment(line) {
                XCTAssertNil(
                    line.range(
                        of: #"\b(SELECT .* FROM|INSERT INTO|DELETE FROM|UPDATE [a-z_]+ SET)\b"#,
                        options: .regularExpression),
                    "\(file.path):\(index + 1) holds SQL")
            }
        }
    }

    func testEnvironmentIsReadInConfigurationsOnly() {
        let others = tree.swift(under: "Services", "Shared").filter {
            !$0.path.hasSuffix("Configuration.swift")
        }
        forbid(#"ProcessInfo\.processInfo\.environment|\bgetenv\b|\benviron\b"#, in: others)
    }

    func testNoUnstructuredTaskOutsideRuntime() {
        let others = tree.swift(under: "Services", "Shared").filter {
            $0.target != "Shared/Runtime"
        }
        forbid(#"\bTask\s*(\.detached\s*)?(\(priority:[^)]*\)\s*)?\{"#, in: others)
    }

    func testUncheckedSendableOnlyWhereThreadsMeet() {
        let others = tree.swift(under: "Services", "Shared").filter {
            !["Shared/Postgres", "Shared/HTTP", "Shared/Runtime"].contains($0.target)
        }
        forbid(#"@unchecked Sendable"#, in: others)
    }

    func testNothingCrashesOnInput() {
        forbid(
            #"\btry!|\bas!|\bfatalError\(|\bpreconditionFailure\("#,
            in: tree.swift(under: "Services", "Shared"))
    }

    func testSwitchesAreExhaustive() {
        // A `default:` is for open sets (bytes, texts, foreign enums); over our own enums it would
        // hide a case that is added later.
        let files = tree.swift(under: "Services", "Shared")
        let switches = EnumSwitches(files)
        let found = files.flatMap { file in switches.ours(in: file).map { (file, $0) } }
        XCTAssertGreaterThan(found.count, 100, "the switches are not found")
        for (file, one) in found {
            XCTAssertEqual(one.catchAlls, [], "\(file.path):\(one.number) hides a case of ours")
        }
    }

    private func forbid(
        _ pattern: String, in files: [SourceTree.File], line: UInt = #line
    ) {
        XCTAssertFalse(files.isEmpty, "nothing to look at", line: line)
        for file in files {
            for (number, text) in file.code {
                XCTAssertNil(
                    text.range(of: pattern, options: .regularExpression),
                    "\(file.path):\(number) \(text.trimmingCharacters(in: .whitespaces))",
                    line: line)
            }
        }
    }

    private func isComment(_ line: Substring) -> Bool {
        line.drop { $0 == " " }.hasPrefix("//")
    }
}
