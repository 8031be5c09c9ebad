import JSON
import XCTest

final class JSONParserTests: XCTestCase {
    func testScalarsAndContainers() {
        check("null", .null)
        check(" true ", true)
        check("-0.5e+2", .number(JSONNumber(-50)))
        check(#""a\u00e9\ud83d\ude00\n\/""#, "aé😀\n/")
        check(#"{"b":[1,{"c":null}],"a":""}"#, ["b": [1, ["c": nil]], "a": ""])
        check("[]", [])
        check("{}", .object([:]))
    }

    func testInvalidTextsAreRefused() {
        refuse("", .unexpectedEnd)
        refuse("[1,]", .unexpectedByte)
        refuse(#"{"a":1,}"#, .unexpectedByte)
        refuse("01", .trailingBytes)
        refuse("1.", .unexpectedEnd)
        refuse("-", .unexpectedEnd)
        refuse("1e+x", .badNumber)
        refuse("nul", .unexpectedEnd)
        refuse("nulL", .unexpectedByte)
        refuse("[1 2]", .unexpectedByte)
        refuse("1 2", .trailingBytes)
        refuse(#"{"a":1,"a":2}"#, .duplicateKey)
        refuse(#"{"a":1,"\u0061":2}"#, .duplicateKey)
        refuse(#""\ud800""#, .loneSurrogate)
        refuse(#""\ud800\u0041""#, .loneSurrogate)
        refuse(#""\udc00""#, .loneSurrogate)
        refuse(#""\x""#, .badEscape)
        refuse("\"a\nb\"", .controlCharacter)
        refuse("\u{FEFF}{}", .byteOrderMark)
        refuse(bytes: [0x22, 0xFF, 0x22], .notUTF8)
        refuse(bytes: [0x7B, 0x00, 0x7D, 0x00], .unexpectedByte)
        refuse(String(repeating: "9", count: 65), .numberTooLong)
    }

    func testDepthIsBoundedWithoutRecursion() {
        let deepest = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        XCTAssertNoThrow(try JSON(parsing: deepest))
        refuse(String(repeating: "[", count: 100_000), .tooDeep)
        refuse("[" + deepest + "]", .tooDeep)
    }

    func testManyMembersKeepOrderAndAreFound() throws {
        let text = "{" + (0..<200).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + "}"
        let json = try JSON(parsing: text)
        XCTAssertEqual(json["k199"]?.int, 199)
        XCTAssertEqual(json.object?.keys.first, "k0")
        XCTAssertEqual(json.text, text)
    }

    func testNumbersKeepTheirDigitsAndCompareByValue() throws {
        let id = "12345678901234567890123456789012345678"
        XCTAssertEqual(try JSON(parsing: id).text, id)
        XCTAssertEqual(try JSON(parsing: "1.0"), try JSON(parsing: "1"))
        XCTAssertEqual(try JSON(parsing: "100"), try JSON(parsing: "1e2"))
        XCTAssertEqual(try JSON(parsing: "-0"), try JSON(parsing: "0.00"))
        XCTAssertNotEqual(try JSON(parsing: "1"), try JSON(parsing: "-1"))
        XCTAssertEqual(try JSON(parsing: "2.50e1").int, 25)
        XCTAssertNil(try JSON(parsing: "2.5").int)
        XCTAssertNil(try JSON(parsing: "1e400").int)
        let sorted = try ["-10", "-9.5", "0", "0.01", "3", "12", "1e3"].map { try number($0) }
        XCTAssertEqual(sorted.shuffled().sorted(), sorted)
    }

    func testObjectsAreEqualInAnyOrder() throws {
        let one = try JSON(parsing: #"{"a":1,"b":[{"c":2,"d":3}]}"#)
        let other = try JSON(parsing: #"{"b":[{"d":3,"c":2}],"a":1}"#)
        XCTAssertEqual(one, other)
        XCTAssertEqual(one.hashValue, other.hashValue)
        XCTAssertEqual(one.canonicalBytes, other.canonicalBytes)
    }

    func testAWrittenValueCanBeReadBack() throws {
        let scalars = (0..<0x300).compactMap { UnicodeScalar($0).map(String.init) }
        let hard = JSON.string(scalars.joined())
        XCTAssertEqual(try JSON(parsing: hard.text), hard)
        let nested: JSON = ["a": [1, [:], []], "b": "\u{2028}\u{7F}"]
        XCTAssertEqual(try JSON(parsing: nested.text), nested)
        XCTAssertEqual(try JSON(parsing: nested.prettyText), nested)
    }

    func testTheReaderReportsEveryProblemWithItsPointer() throws {
        let problems = JSONProblems()
        let json = try JSON(parsing: #"{"list":[1,"x"],"a/b":5,"flag":"no"}"#)
        let reader = JSONReader(json, problems: problems)
        for element in reader.elements("list") { _ = element.int(1...9) }
        _ = reader.required("name")
        _ = reader.member("flag")?.bool()
        reader.refuseOthers()
        XCTAssertEqual(problems.all.map(\.pointer), ["/list/1", "/name", "/flag", "/a~1b"])
    }

    private func number(_ text: String) throws -> JSONNumber {
        try XCTUnwrap(try JSON(parsing: text).number)
    }

    private func check(_ text: String, _ expected: JSON, line: UInt = #line) {
        XCTAssertEqual(try JSON(parsing: text), expected, line: line)
    }

    private func refuse(_ text: String, _ reason: JSONParseError.Reason, line: UInt = #line) {
        refuse(bytes: Array(text.utf8), reason, line: line)
    }

    private func refuse(
        bytes: [UInt8], _ reason: JSONParseError.Reason, line: UInt = #line
    ) {
        XCTAssertThrowsError(try JSON(parsing: bytes), line: line) {
            XCTAssertEqual(($0 as? JSONParseError)?.reason, reason, line: line)
        }
    }
}
