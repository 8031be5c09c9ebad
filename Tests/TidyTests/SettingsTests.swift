import Foundation
import XCTest

/// Whoever installs Liaison looks into the README, not into the code.
final class SettingsTests: XCTestCase {
    func testTheReadmeNamesEverySetting() throws {
        let tree = SourceTree()
        let readme = try XCTUnwrap(tree.files.first { $0.path == "README.md" }).text
        for service in ["Ingest", "Worker", "Console"] {
            let path = "Services/\(service)/\(service)Configuration.swift"
            let file = try XCTUnwrap(tree.files.first { $0.path == path })
            let names = Self.settings(in: file.text)
            XCTAssertFalse(names.isEmpty, path)
            for name in names {
                let isNamed = readme.contains("`\(name)`") || readme.contains("`LIAISON_\(name)`")
                XCTAssertTrue(isNamed, "\(name) of \(path)")
            }
        }
    }

    /// What is asked of an `EnvironmentReader`.
    private static func settings(in text: String) -> [String] {
        let asking = /\.(?:string|integer|seconds|bytes|choice|secret|optionalSecret)\(\s*/
        let name = /"([A-Z_]+)"/
        return text.matches(of: asking).compactMap { match in
            text[match.range.upperBound...].prefixMatch(of: name).map { String($0.1) }
        }
    }
}
