import Models
import XCTest

final class RuleVocabularyTests: XCTestCase {
    func testEveryOperatorHasItsNegationUnderItsOwnName() {
        let names = Operator.allCases.map(\.name)
        XCTAssertEqual(Set(names).count, names.count)
        for one in Operator.allCases {
            XCTAssertNotEqual(Operator(one.question, isNegated: !one.isNegated), one)
            XCTAssertEqual(Operator(name: one.name), one)
        }
        XCTAssertNil(Operator(name: "resembles"))
    }

    func testFieldsHaveStableNames() {
        for fact in Fact.allCases {
            XCTAssertEqual(Field(fact.rawValue), .fact(fact))
            XCTAssertEqual(Field.fact(fact).name, fact.rawValue)
        }
        func check(_ name: String, _ field: Field?, line: UInt = #line) {
            XCTAssertEqual(Field(name), field, line: line)
        }
        check("record.Outage_Start__c", .record("Outage_Start__c"))
        check("record.Id", .record("Id"))
        check("record.", nil)
        check("record.Owner.Name", nil)
        check("record.1st", nil)
        check("Record.Id", nil)
        check("incident.title ", nil)
        check("", nil)
    }

    func testEventTypesHaveTheNamesOfPagerDutysPackage() {
        let words = EventKind.IncidentChange.allCases.map(\.ruleName)
        XCTAssertEqual(Set(words).count, words.count)
        let guide: Set = [
            "trigger", "acknowledge", "resolve", "assign", "escalate", "custom", "delegate",
        ]
        XCTAssertTrue(guide.isSubset(of: Set(words)))
    }

    func testSpans() {
        func check(_ text: String, _ seconds: Int64?, line: UInt = #line) {
            XCTAssertEqual(Span(text)?.seconds, seconds, line: line)
            if seconds != nil { XCTAssertEqual(Span(text)?.description, text, line: line) }
        }
        check("90s", 90)
        check("30m", 1800)
        check("24h", 86_400)
        check("7d", 604_800)
        check("0s", 0)
        check("999999d", 86_399_913_600)
        check("1000000d", nil)
        check("7", nil)
        check("d", nil)
        check("-1h", nil)
        check("1w", nil)
        check("1 h", nil)
        check("", nil)
    }
}
