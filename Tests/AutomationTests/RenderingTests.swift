import JSON
import Models
import XCTest

@testable import Automation

final class RenderingTests: XCTestCase {
    private let record: JSONObject = [
        "Subject": "Checkout", "Amount": 12.50, "Active": true, "Nothing": nil, "Blank": "",
        "Tags": "a;b", "Html": "<p>5 &lt; 6 &amp; <b>ok</b></p>", "Since": "2026-03-02T09:05:07Z",
        "Long": .string(String(repeating: "é", count: 20_000)), "Spaced": "  x ",
        "Address": ["City": "Oslo"], "Smiles": "😀😀😀😀", "Family": "👨‍👩‍👧abc",
    ]

    func testFillsTexts() throws {
        try check("Case {{record.Subject}}!", "Case Checkout!")
        try check("{{record.Amount}} {{record.Active}}", "12.5 true")
        try check("[{{record.Nothing}}{{record.Missing}}{{incident.title}}]", "[]")
        try check("{{record.Address}}!", #"{"City":"Oslo"}!"#)
        try check("{{event.id}} {{record.id}}", "E1 500QZ00000ABCDEYA5")
        try check("{{'{{'}}record.Subject}}", "{{record.Subject}}")
    }

    func testApplyFilters() throws {
        try check("{{record.Nothing | default: 'none'}}.", "none.")
        try check("{{record.Blank | default: 'none'}}.", "none.")
        try check("{{record.Subject | default: 'none'}}.", "Checkout.")
        try check("{{record.Subject | upper}}.", "CHECKOUT.")
        try check("{{record.Subject | lower}}.", "checkout.")
        try check("{{record.Spaced | trim}}.", "x.")
        try check("{{record.Subject | truncate: 5}}.", "Chec….")
        try check("{{record.Subject | truncate: 8}}.", "Checkout.")
        try check("{{record.Subject | truncate: 1}}.", "….")
        // Counted as Salesforce counts, in UTF-16 units, and cut between characters.
        try check("{{record.Smiles | truncate: 8}}.", "😀😀😀😀.")
        try check("{{record.Smiles | truncate: 7}}.", "😀😀😀….")
        try check("{{record.Smiles | truncate: 6}}.", "😀😀….")
        try check("{{record.Family | truncate: 11}}.", "👨‍👩‍👧abc.")
        try check("{{record.Family | truncate: 8}}.", "….")
        try check("{{record.Since | date}}.", "2026-03-02.")
        try check("{{record.Since | date: 'dd.MM.yyyy HH:mm:ss'}}.", "02.03.2026 09:05:07.")
        try check("{{record.Subject | date}}.", "Checkout.")
        try check("{{record.Subject | json}}.", "\"Checkout\".")
        try check("{{record.Nothing | json}}.", "null.")
        try check("{{record.Html | stripHTML | trim}}.", "5 < 6 & ok.")
        try check("{{record.Tags | join: ' and '}}.", "a and b.")
        try check("{{record.Subject | truncate: 5 | upper}}.", "CHEC….")
    }

    func testATemplateOfOnePlaceholderKeepsTheType() throws {
        try checkValue("{{record.Amount}}", 12.50)
        try checkValue("{{ record.Active }}", true)
        try checkValue("{{record.Nothing}}", nil)
        try checkValue("{{record.Missing | default: 'x'}}", "x")
        try checkValue("{{record.Amount | default: 'x'}}", 12.50)
        try checkValue("{{record.Address}}", ["City": "Oslo"])
        try checkValue("{{record.Amount}} ", "12.5 ")
        for filter in ["upper", "lower", "trim", "truncate: 9", "json", "stripHTML", "join"] {
            try checkValue("{{record.Amount | \(filter)}}", "12.5")
        }
    }

    func testFillsListsAndObjects() throws {
        let problems = JSONProblems()
        let text = """
            [{"name": "n", "rules": [\(rule(actions: #"{"type": "deliver", "path": "/services/apexrest/x", "body": {"a": [1, null, "{{record.Amount}}"], "b": {"c": "x{{record.Subject}}"}}}"#))]}]
            """
        let rulesets = Ruleset.list(
            reading: JSONReader(try JSON(parsing: text), problems: problems))
        guard case .deliver(_, let body?)? = rulesets?.first?.rules.first?.actions.first else {
            return XCTFail("no body: \(problems.all)")
        }
        XCTAssertEqual(
            try rendering().value(body), ["a": [1, nil, 12.50], "b": ["c": "xCheckout"]])
    }

    func testATemplateFailsInsteadOfLosingText() throws {
        func check(_ source: String, _ code: String, line: UInt = #line) throws {
            let template = try Template(parsing: source)
            XCTAssertThrowsError(try rendering().text(template), line: line) { error in
                XCTAssertEqual((error as? RenderingProblem)?.cause.code, code, line: line)
            }
        }
        try check("{{record.Nothing | required}}", "template.required")
        try check("{{record.Blank | trim | required}}", "template.required")
        try check("{{record.Long}}", "template.tooLong")
        try check("{{record.Subject}}{{record.Long}}", "template.tooLong")
        XCTAssertThrowsError(
            try rendering().value(.template(try Template(parsing: "{{record.Long}}"))))
    }

    func testTagsAreRemovedFromRichText() {
        func check(_ html: String, _ text: String, line: UInt = #line) {
            XCTAssertEqual(HTMLText.plain(html), text, line: line)
        }
        check("plain", "plain")
        check("a<br>b<br/>c", "a\nb\nc")
        check("<div class=\"x\">a</div><p>b</p>", "a\nb\n")
        check("1 < 2 and 3 > 2", "1 < 2 and 3 > 2")
        check("&lt;b&gt; &quot;x&quot; &apos;y&apos; &nbsp;&amp;amp;", "<b> \"x\" 'y'  &amp;")
        check("&#65;&#x42;&#xD800;&#99999999;&unknown;&", "AB&#xD800;&#99999999;&unknown;&")
        check("<unclosed", "<unclosed")
        check("<!-- note -->x", "x")
        check("", "")
    }

    func testCutsBetweenCharacters() {
        XCTAssertEqual("ééé".cut(toBytes: 6), "ééé")
        XCTAssertEqual("éééé".cut(toBytes: 7), "éé…")
        XCTAssertEqual("éééé".cut(toBytes: 6), "é…")
    }

    private func check(_ source: String, _ text: String, line: UInt = #line) throws {
        let template = try Template(parsing: source)
        XCTAssertEqual(try rendering().text(template), text, line: line)
    }

    private func checkValue(_ source: String, _ value: JSON, line: UInt = #line) throws {
        let template = ValueTemplate.template(try Template(parsing: source))
        XCTAssertEqual(try rendering().value(template), value, line: line)
    }

    private func rendering() throws -> Rendering {
        let facts = Facts(event: try Sample.change(old: nil, new: record))
        return Rendering(
            scope: RuleScope(
                context: Context(facts, now: Sample.now), object: "Case",
                record: Sample.caseReference))
    }
}
