import Foundation

/// The project's own files, as text.
struct SourceTree: Sendable {
    struct File: Sendable {
        /// The path from the root of the project: `Shared/Models/Event.swift`.
        let path: String
        let text: String
        /// The lines without comments and without the content of string literals: good enough for
        /// word searches.
        let code: [(number: Int, text: String)]

        init(path: String, text: String) {
            self.path = path
            self.text = text
            code = path.hasSuffix(".swift") ? Self.code(of: text) : []
        }

        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
        /// The layer's folder and the target's: `Shared/Models`.
        var target: String { path.split(separator: "/").prefix(2).joined(separator: "/") }

        /// The lines outside multi-line string literals, which may hold longer lines.
        var ownLines: [(number: Int, text: Substring)] {
            var inLiteral = false
            return lines.enumerated().compactMap { index, line in
                let quotes = line.components(separatedBy: "\"\"\"").count - 1
                defer { if quotes % 2 == 1 { inLiteral.toggle() } }
                return inLiteral ? nil : (index + 1, line)
            }
        }

        private static func code(of text: String) -> [(number: Int, text: String)] {
            var inMultiline = false
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            return lines.enumerated().compactMap { index, line in
                let quotes = line.components(separatedBy: "\"\"\"").count - 1
                defer { if quotes % 2 == 1 { inMultiline.toggle() } }
                if inMultiline || quotes > 0 { return nil }
                return (index + 1, withoutLiterals(line))
            }
        }

        private static func withoutLiterals(_ line: Substring) -> String {
            let (quote, slash) = (UInt8(ascii: "\""), UInt8(ascii: "/"))
            var result: [UInt8] = []
            var inLiteral = false
            var previous = UInt8(ascii: " ")
            for byte in line.utf8 {
                if byte == quote, previous != UInt8(ascii: "\\") { inLiteral.toggle() }
                if !inLiteral, byte == slash, previous == slash {
                    result.removeLast()
                    break
                }
                if !inLiteral || byte == quote { result.append(byte) }
                previous = byte
            }
            return String(decoding: result, as: UTF8.self)
        }
    }

    /// Read once for all tests.
    static let shared = SourceTree()

    let root: URL
    let files: [File]

    private init() {
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
