import Foundation
import XCTest

/// `deploy/SETTINGS.md` names every environment variable that a program reads, and no other.
final class SettingsTests: XCTestCase {
    func testTheDocumentNamesEverySetting() throws {
        let tree = SourceTree.shared
        var read: Set<String> = []
        for (path, prefix) in [
            ("Services/Ingest/IngestConfiguration.swift", "LIAISON_"),
            ("Services/Worker/WorkerConfiguration.swift", "LIAISON_"),
            ("Services/Console/ConsoleConfiguration.swift", "LIAISON_"),
            ("Services/Sandbox/SandboxConfiguration.swift", "LIAISON_SANDBOX_"),
            ("Shared/Store/StoreSettings.swift", "LIAISON_"),
        ] {
            let file = try XCTUnwrap(tree.files.first { $0.path == path }, path)
            let names = Self.settings(in: file.text)
            XCTAssertFalse(names.isEmpty, path)
            read.formUnion(names.map { prefix + $0 })
        }
        let document = try XCTUnwrap(tree.files.first { $0.path == "deploy/SETTINGS.md" }).text
        let named = document.matches(of: /^\|.*`(LIAISON_[A-Z_]+)`/.anchorsMatchLineEndings())
            .map { String($0.1) }
        XCTAssertEqual(named.sorted(), read.sorted())
    }

    /// The names that are given to an `EnvironmentReader`, also as the default of a parameter.
    private static func settings(in text: String) -> [String] {
        let getter =
            /\.(?:string|integer|seconds|bytes|choice|secret|optionalSecret|optionalAddress)\(\s*/
        let standard = /_ name: String =\s/
        let name = /"([A-Z_]+)"/
        let ranges = [
            text.matches(of: getter).map(\.range), text.matches(of: standard).map(\.range),
        ]
        return ranges.joined().compactMap { range in
            text[range.upperBound...].prefixMatch(of: name).map { String($0.1) }
        }
    }
}
