import Automation
import JSON
import Models
import Runtime

/// The configuration file: one JSON document.
struct ConfigurationFile {
    static let bytesMax = 16 * 1024 * 1024

    let configuration: Configuration

    /// - Throws: every problem at once, each as `pointer: message`.
    init(_ path: String, environment: [String: String]) throws(CommandError) {
        let document = try Self.document(path)
        let problems = JSONProblems()
        let secrets = FileSecrets(folder: Self.folder(of: path), environment: environment)
        let configuration = Configuration(
            checking: JSONReader(document, problems: problems), secrets: secrets.resolve)
        guard let configuration else { throw .problems(problems.all.map(\.description)) }
        self.configuration = configuration
    }

    private static func document(_ path: String) throws(CommandError) -> JSON {
        let bytes: [UInt8]
        do {
            bytes = try SmallFile.read(path, bytesMax: bytesMax)
        } catch {
            throw .problem("\(path) \(error)")
        }
        do {
            return try JSON(parsing: bytes)
        } catch {
            let place = TextPlace(of: error.offset, in: bytes)
            guard error.reason != .notUTF8 else {
                throw .problem("\(path), line \(place.line), is not UTF-8")
            }
            throw .problem(
                "\(path), line \(place.line), column \(place.column): not JSON: "
                    + error.reason.rawValue)
        }
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

/// The place of a byte as editors show it. Lines and columns count from 1; a column is a code
/// point.
struct TextPlace: Equatable {
    let line: Int
    let column: Int

    init(of offset: Int, in bytes: [UInt8]) {
        let before = bytes.prefix(offset)
        line = 1 + before.count { $0 == UInt8(ascii: "\n") }
        let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        column = 1 + before[start...].count { $0 & 0xC0 != 0x80 }
    }
}

extension Configuration {
    var summary: String {
        let rulesets = entries.flatMap(\.rulesets)
        return [
            counted(entries.count, "connection"), counted(rulesets.count, "ruleset"),
            counted(rulesets.flatMap(\.rules).count, "rule"),
        ].joined(separator: ", ")
    }
}

/// `1 rule`, `2 rules`.
func counted(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
}
