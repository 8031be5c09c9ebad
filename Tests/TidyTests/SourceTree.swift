import Foundation

/// The project's own files, as text.
struct SourceTree {
    struct File {
        /// From the root of the project: `Shared/Models/Event.swift`.
        let path: String
        let text: String

        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
        /// The layer's folder and the target's: `Shared/Models`.
        var target: String { path.split(separator: "/").prefix(2).joined(separator: "/") }

        /// The lines that are not within a multi-line string literal, which may be as long as what
        /// is written in it.
        var ownLines: [(number: Int, text: Substring)] {
            var inLiteral = false
            return lines.enumerated().compactMap { index, line in
                let quotes = line.components(separatedBy: "\"\"\"").count - 1
                defer { if quotes % 2 == 1 { inLiteral.toggle() } }
                return inLiteral ? nil : (index + 1, line)
            }
        }

        /// The lines without comments and without the insides of string literals: what the compiler
        /// sees as code. Good enough for word searches.
        var code: [(number: Int, text: String)] {
            var inMultiline = false
            return lines.enumerated().compactMap { index, line in
                let quotes = line.components(separatedBy: "\"\"\"").count - 1
                defer { if quotes % 2 == 1 { inMultiline.toggle() } }
                if inMultiline || quotes > 0 { return nil }
                return (index + 1, Self.withoutLiterals(String(line)))
            }
        }

        private static func withoutLiterals(_ line: String) -> String {
            var result = ""
            var inLiteral = false
            var previous: Character = " "
            for character in line {
                if character == "\"", previous != "\\" { inLiteral.toggle() }
                if !inLiteral, character == "/", previous == "/" {
                    return String(result.dropLast())
                }
                if !inLiteral || character == "\"" { result.append(character) }
                previous = character
            }
            return result
        }
    }

    let root: URL
    let files: [File]

    init() {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        self.root = root
        files = ["Services", "Shared", "Tests", "deploy", "README.md", "Package.swift"]
            .flatMap { Self.files(under: root.appendingPathComponent($0), root: root) }
            .sorted { $0.path < $1.path }
    }

    func swift(under folders: String...) -> [File] {
        files.filter { file in
            file.path.hasSuffix(".swift") && folders.contains { file.path.hasPrefix($0 + "/") }
        }
    }

    private static func files(under url: URL, root: URL) -> [File] {
        let manager = FileManager.default
        var isFolder: ObjCBool = false
        guard manager.fileExists(atPath: url.path, isDirectory: &isFolder) else { return [] }
        if !isFolder.boolValue {
            guard let text = try? String(contentsOf: url, encoding: .utf8) else { return [] }
            return [File(path: String(url.path.dropFirst(root.path.count + 1)), text: text)]
        }
        let names = (try? manager.contentsOfDirectory(atPath: url.path)) ?? []
        return names.flatMap { files(under: url.appendingPathComponent($0), root: root) }
    }
}
