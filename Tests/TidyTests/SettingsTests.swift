import Foundation
import XCTest

/// Whoever installs Liaison looks into the README, not into the code.
final class SettingsTests: XCTestCase {
    func testTheReadmeNamesEverySetting() throws {
        let tree = SourceTree()
        let readme = try XCTUnwrap(tree.files.first { $0.path == "README.md" }).text
        for path in [
            "Services/Ingest/IngestConfiguration.swift",
            "Services/Worker/WorkerConfiguration.swift",
            "Services/Console/ConsoleConfiguration.swift", "Shared/Store/StoreSettings.swift",
        ] {
            let file = try XCTUnwrap(tree.files.first { $0.path == path })
            let names = Self.settings(in: file.text)
            XCTAssertFalse(names.isEmpty, path)
            for name in names {
                let isNamed = readme.contains("`\(name)`") || readme.contains("`LIAISON_\(name)`")
                XCTAssertTrue(isNamed, "\(name) of \(path)")
            }
        }
    }

    /// What is asked of an `EnvironmentReader`, also by its standard name.
    private static func settings(in text: String) -> [String] {
        let getter = /\.(?:string|integer|seconds|bytes|choice|secret|optionalAddress)\(\s*/
        let standard = /_ name: String =\s/
        let name = /"([A-Z_]+)"/
        let asked = [
            text.matches(of: getter).map(\.range), text.matches(of: standard).map(\.range),
        ]
        return asked.joined().compactMap { range in
            text[range.upperBound...].prefixMatch(of: name).map { String($0.1) }
        }
    }
}
