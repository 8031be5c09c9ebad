import Models
import XCTest

final class TemplateTests: XCTestCase {
    func testReadsPlaceholdersAndFilters() throws {
        func check(_ source: String, _ parts: [Template.Part], line: UInt = #line) throws {
            let template = try Template(parsing: source)
            XCTAssertEqual(template.parts, parts, line: line)
            XCTAssertEqual(template.source, source, line: line)
        }
        func place(_ field: Field, _ filters: Template.Filter...) -> Template.Part {
            .placeholder(Template.Placeholder(field: field, filters: filters))
        }
        let subject = Field.record("Subject")
        try check("", [])
        try check("plain } { text", [.text("plain } { text")])
        try check("{{record.Subject}}", [place(subject)])
        try check("{{ record.Subject }}", [place(subject)])
        try check("a{{event.id}}b", [.text("a"), place(.fact(.eventID)), .text("b")])
        try check(
            "{{record.Subject | trim | truncate: 80}}", [place(subject, .trim, .truncate(80))])
        try check("{{record.Subject|default:'}}'}}", [place(subject, .default("}}"))])
        try check(#"{{record.Subject | default: "it's"}}"#, [place(subject, .default("it's"))])
        try check("{{record.Subject | date}}", [place(subject, .date("yyyy-MM-dd"))])
        try check("{{record.Subject | date: 'HH:mm'}}", [place(subject, .date("HH:mm"))])
        try check("{{record.Subject | join}}", [place(subject, .join(", "))])
        try check(
            "{{record.Subject | upper | lower | json | stripHTML | required}}",
            [place(subject, .upper, .lower, .json, .stripHTML, .required)])
        try check("{{'{{'}}x}}", [.text("{{x}}")])
    }

    func testAWrongTemplateNamesThePosition() {
        func check(_ source: String, at position: Int, line: UInt = #line) {
            XCTAssertThrowsError(try Template(parsing: source), line: line) { error in
                XCTAssertEqual((error as? TemplateError)?.position, position, line: line)
            }
        }
        check("{{", at: 3)
        check("{{}}", at: 3)
        check("{{nothing}}", at: 3)
        check("x {{record.A", at: 13)
        check("{{record.A}", at: 11)
        check("{{record.A B}}", at: 12)
        check("{{record.A | shout}}", at: 14)
        check("{{record.A | }}", at: 14)
        check("{{record.A | default}}", at: 21)
        check("{{record.A | default: x}}", at: 23)
        check("{{record.A | truncate: 0}}", at: 25)
        check("{{record.A | truncate: 'x'}}", at: 24)
        check("{{record.A | default: 'x}}", at: 27)
        check("{{record.A == 'x'}}", at: 12)
        check("{{#if record.A}}", at: 3)
    }

    func testEveryFilterCanBeWritten() {
        let argument: [Template.FilterName: String] = [.default: ": 'x'", .truncate: ": 9"]
        for name in Template.FilterName.allCases {
            let source = "{{record.A | \(name.rawValue)\(argument[name] ?? "")}}"
            XCTAssertNoThrow(try Template(parsing: source), source)
        }
    }
}
