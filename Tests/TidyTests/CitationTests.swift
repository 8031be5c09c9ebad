import XCTest

/// Facts stand in the repository, numbered and each with its source. A comment, a script or a
/// document cites nothing that a clone of the repository does not have.
final class CitationTests: XCTestCase {
    private static let documents = [
        "Services/Connectors/PagerDuty/PagerDuty.md",
        "Services/Connectors/Salesforce/Salesforce.md", "Shared/Store/Queue.md",
    ]

    private let tree = SourceTree.shared

    func testEveryFactHasANumberOfItsOwnAndASource() throws {
        for path in Self.documents {
            let facts = FactDocument(try text(of: path))
            XCTAssertGreaterThan(facts.numbers.count, 10, path)
            XCTAssertEqual(facts.repeatedNumbers, [], "\(path) gives a number to two facts")
            XCTAssertEqual(facts.numbersWithoutSource, [], "\(path) has facts without a source")
        }
    }

    func testEveryCitationLeadsSomewhere() throws {
        let citations = try citations()
        var count = 0
        for file in tree.files {
            count += citations.count(in: file.text)
            for problem in citations.problems(in: file.text, isDocument: isDocument(file)) {
                XCTFail("\(file.path): \(problem)")
            }
        }
        XCTAssertGreaterThan(count, 80, "the citations are not found")
    }

    func testACitationThatLeadsNowhereIsFound() throws {
        let citations = try citations()
        let folder = "refer" + "ence/"
        let rows: [(text: String, problems: Int)] = [
            ("/// The limit of a key (PagerDuty.md 1).", 0),
            ("/// A code stands for several problems (PagerDuty.md\n    /// 1, 2 and 4 to 5).", 0),
            ("/// The limit of a key (PagerDuty.md 9" + "99).", 1),
            ("/// Two of them (PagerDuty.md 1 and 9" + "99, Queue.md 1).", 1),
            ("/// See `Shared/Models/Lane.swift`.", 0),
            ("/// See `Shared" + "/Modells/Lane.swift`.", 1),
            ("/// See `Lane.swift`, and `Lan" + "es.swift`.", 1),
            ("/// See NOT" + "HING.md.", 1),
            ("/// See `\(folder)salesforce`.", 1),
            ("[a page](https://example.com/\(folder)page.md)", 0),
        ]
        for row in rows {
            let problems = citations.problems(in: row.text, isDocument: true)
            XCTAssertEqual(problems.count, row.problems, "\(row.text) \(problems)")
        }
    }

    func testAFactWithoutASourceIsFound() {
        let facts = FactDocument(
            """
            1. A fact, which goes on
               in a second line. Source: RFC 9110.
            2. Another fact.
            2. A third fact.
               Source: measured: by hand, 3 ms.

            4. Source: somewhere.
            """)
        XCTAssertEqual(facts.numbers, [1, 2, 4])
        XCTAssertEqual(facts.repeatedNumbers, [2])
        XCTAssertEqual(facts.numbersWithoutSource, [2, 4])
    }

    private func isDocument(_ file: SourceTree.File) -> Bool {
        !file.path.hasPrefix("Tests/TidyTests")
    }

    private func text(of path: String) throws -> String {
        try XCTUnwrap(tree.files.first { $0.path == path }, "\(path) is missing").text
    }

    private func citations() throws -> Citations {
        var facts: [String: Set<Int>] = [:]
        for path in Self.documents {
            facts[String(path.split(separator: "/").last ?? "")] =
                FactDocument(try text(of: path)).numbers
        }
        return Citations(facts: facts, root: tree.root, files: tree.files.map(\.path))
    }
}

/// A list of numbered facts in Markdown: `12. Sentence. Source: [Title](https://...)`.
struct FactDocument {
    private(set) var numbers: Set<Int> = []
    private(set) var repeatedNumbers: [Int] = []
    private(set) var numbersWithoutSource: [Int] = []

    init(_ text: String) {
        var facts: [(number: Int, text: String)] = []
        for line in text.split(separator: "\n") {
            if let match = line.prefixMatch(of: #/(\d+)\. (.*)/#), let number = Int(match.1) {
                facts.append((number, String(match.2)))
            } else if line.hasPrefix(" "), !facts.isEmpty {
                facts[facts.count - 1].text += " " + line.drop { $0 == " " }
            }
        }
        for fact in facts {
            if !numbers.insert(fact.number).inserted { repeatedNumbers.append(fact.number) }
            let source = #/Source: .*(?:\]\(https://\S+\)|RFC \d+|measured: )/#
            if !fact.text.contains(source) { numbersWithoutSource.append(fact.number) }
        }
    }
}

/// The citations of facts and files in a text.
struct Citations {
    private let facts: [String: Set<Int>]
    private let root: URL
    private let names: Set<Substring>

    /// - Parameters:
    ///   - facts: the numbers of each document, by its name.
    ///   - files: every path of the repository, from its root.
    init(facts: [String: Set<Int>], root: URL, files: [String]) {
        self.facts = facts
        self.root = root
        names = Set(files.compactMap { $0.split(separator: "/").last })
    }

    func count(in text: String) -> Int { numbers(in: text).count }

    /// - Parameter isDocument: true to look for names of files without their folder, too.
    func problems(in text: String, isDocument: Bool) -> [String] {
        let text =
            text.contains("http") ? text.replacing(#/https?://[^\s)>\]"]+/#, with: "") : text
        var problems: [String] = []
        for (document, number) in numbers(in: text)
        where facts[document]?.contains(number) != true {
            problems.append("there is no fact \(number) in \(document)")
        }
        for match in text.matches(of: #/\b(?:Services|Shared|Tests|deploy)/[\w+./-]*[\w+]/#) {
            let path = root.appendingPathComponent(String(match.output)).path
            if !FileManager.default.fileExists(atPath: path) {
                problems.append("there is no \(match.output)")
            }
        }
        for absent in ["DESIGN" + ".md", "refer" + "ence/"] where text.contains(absent) {
            problems.append("\(absent) is not in the repository")
        }
        guard isDocument, text.contains(".swift") || text.contains(".md") else { return problems }
        for match in text.matches(of: #/(?:^|[^\w/.*+-])([A-Za-z][\w+-]*\.(?:swift|md))\b/#)
        where !names.contains(match.1) {
            problems.append("there is no file \(match.1)")
        }
        return problems
    }

    /// `PagerDuty.md 12`, `Queue.md 1, 3 and 7`, `Salesforce.md 25 to 30`; a line may end anywhere.
    private func numbers(in text: String) -> [(document: String, number: Int)] {
        guard text.contains(".md") else { return [] }
        let line = text.replacing(#/\s*\n\s*(?:///?|#)?\s*/#, with: " ")
        let citation = #/\b([A-Z]\w*\.md) (\d+(?:(?:, | and | to )\d+)*)/#
        return line.matches(of: citation).flatMap { match in
            match.2.matches(of: #/\d+/#).compactMap { number in
                Int(number.output).map { (String(match.1), $0) }
            }
        }
    }
}
