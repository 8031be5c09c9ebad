import XCTest

/// One word for one fact, and the word that the field already uses: names and sentences say what a
/// thing is or does.
final class WordTests: XCTestCase {
    private let tree = SourceTree.shared

    /// These words were names or stood in sentences, and a plain word took their place.
    private static let words: Set = [
        // Furniture, buildings and people.
        "bell", "bells", "caretaker", "caretakers", "desk", "desks", "door", "doors", "doorway",
        "doorways", "entrance", "entrances", "errand", "errands", "neighbour", "neighbours",
        "neighbourhood", "turnstile", "turnstiles",
        // Nothing is done by an unknown person.
        "anybody", "everybody", "nobody", "somebody", "whoever", "whomever",
        // A plain word says it: notify, recover, error, context, place, fail.
        "bury", "buried", "complaint", "complaints", "mend", "mended", "mends", "poke", "poked",
        "poker", "pokes", "surroundings", "whereabouts",
    ]

    /// A name of several words that says what it reminds one of.
    private static let names: Set = [
        "besideSeconds", "besideSecondsMax", "boughtNothing", "buryDeadly", "givenUp",
        "lanesCutShort", "lanesNobodyServes", "undecided",
    ]

    /// A name of libcurl.
    private static let foreign = "CURLOPT_NO" + "BODY"

    func testOldWordsDoNotComeBack() throws {
        XCTAssertGreaterThan(files.count, 300)
        let places = try NSRegularExpression(pattern: Self.stems.joined(separator: "|"))
        for file in files {
            let text = file.text.lowercased()
            let whole = NSRange(text.startIndex..., in: text)
            guard places.firstMatch(in: text, range: whole) != nil else { continue }
            for (index, line) in file.lines.enumerated() {
                let lower = line.lowercased()
                guard Self.stems.contains(where: lower.contains) else { continue }
                for word in Self.forbidden(in: line) where !line.contains(Self.foreign) {
                    XCTFail("\(file.path):\(index + 1) says \(word)")
                }
            }
        }
    }

    /// The words without those that begin with another one, in lower case.
    private static let stems: [String] = {
        let all = words.union(names.map { $0.lowercased() })
        return all.filter { word in !all.contains { $0 != word && word.hasPrefix($0) } }
    }()

    func testWordsAreFoundInsideNames() {
        func check(_ line: Substring, _ found: [String], _ number: UInt = #line) {
            XCTAssertEqual(Self.forbidden(in: line), found, line: number)
        }
        check("let frontDoor = DeskLamp()", ["door", "desk"])
        check("/// Nobody knows.", ["nobody"])
        check("NOBODY", ["nobody"])
        check("recommended, doorbell, desktop, indoors", [])
        check("var besideSecondsMax = 0", ["besideSecondsMax"])
    }

    private var files: [SourceTree.File] {
        tree.files.filter { file in
            !file.path.hasSuffix("/WordTests.swift")
                && (file.path.hasSuffix(".swift") || file.path.hasSuffix(".md")
                    || file.path.hasSuffix(".json") || file.text.hasPrefix("#!"))
        }
    }

    private static func forbidden(in line: Substring) -> [String] {
        line.matches(of: /[A-Za-z]+/).flatMap { match -> [String] in
            let name = String(match.output)
            if names.contains(name) { return [name] }
            return parts(of: name).filter(words.contains)
        }
    }

    /// The words of a name, in lower case: `frontDoor` is `front` and `door`.
    private static func parts(of name: String) -> [String] {
        name.matches(of: /[A-Z]+(?![a-z])|[A-Z]?[a-z]+/).map { $0.output.lowercased() }
    }
}
