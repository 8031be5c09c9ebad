import JSON
import XCTest

final class JSONOutlineTests: XCTestCase {
    func testAPartHasExactlyTheBytesThatWereSent() throws {
        let root = try outline(#" { "a" : [ 1.00 , {"b" : "\u00e9"} , [] ] , "c":null,"d":"x" } "#)
        XCTAssertEqual(
            text(root), #"{ "a" : [ 1.00 , {"b" : "\u00e9"} , [] ] , "c":null,"d":"x" }"#)
        XCTAssertEqual(root["a"].map(text), #"[ 1.00 , {"b" : "\u00e9"} , [] ]"#)
        let elements = try XCTUnwrap(root["a"]?.elements)
        XCTAssertEqual(elements.map(text), ["1.00", #"{"b" : "\u00e9"}"#, "[]"])
        XCTAssertEqual(elements[1]["b"].map(text), #""\u00e9""#)
        XCTAssertEqual(root["d"].map(text), #""x""#)
    }

    func testEveryPartIsATextByItself() throws {
        let root = try outline(#"{"a":[true,false,null,-0.5e+2,"\ud83d\ude00",{"k":{}}],"":""}"#)
        for part in (root["a"]?.elements ?? []) + [root] {
            XCTAssertEqual(try JSON(parsing: part.bytes), part.value)
        }
    }

    func testMembersAreFoundHoweverTheirKeysWereWritten() throws {
        let root = try outline(#"{"\u0061":1,"b\n":2,"é":{"x":[0]},"last":3}"#)
        XCTAssertEqual(root["a"]?.numberLiteral, "1")
        XCTAssertEqual(root["b\n"]?.numberLiteral, "2")
        XCTAssertEqual(root["é"]?["x"]?.elements?.count, 1)
        XCTAssertEqual(root["last"]?.numberLiteral, "3")
        XCTAssertNil(root["x"])
        XCTAssertNil(root["a"]?["a"])
    }

    func testAbsentMembersAreNil() throws {
        let root = try outline(#"{"null":null,"text":"t\/\u00df","number":-1e2,"list":[]}"#)
        XCTAssertTrue(root.isObject)
        XCTAssertEqual(root["null"]?.isNull, true)
        XCTAssertNil(root.present("null"))
        XCTAssertNil(root.present("absent"))
        XCTAssertEqual(root.present("text")?.string, "t/ß")
        XCTAssertNil(root["text"]?.numberLiteral)
        XCTAssertEqual(root["number"]?.numberLiteral, "-1e2")
        XCTAssertNil(root["number"]?.string)
        XCTAssertEqual(root["list"]?.elements?.count, 0)
        XCTAssertNil(root["text"]?.elements)
    }

    /// Few keys are compared with each other, many are hashed.
    func testADuplicateKeyIsFoundAmongFewAndManyKeys() {
        for count in [2, 64, 65, 300] {
            let members = (1..<count).map { #""k\#($0)":{"k1":[\#($0)]}"# }
            XCTAssertNoThrow(try outline("{" + members.joined(separator: ",") + "}"))
            for twin in ["k1", #"k\u0031"#] {
                let all = (members + [#""\#(twin)":0"#]).joined(separator: ",")
                XCTAssertThrowsError(try outline("{\(all)}"), "\(count) \(twin)") {
                    XCTAssertEqual(($0 as? JSONParseError)?.reason, .duplicateKey)
                }
            }
        }
    }

    /// RFC 8259 section 8.3: names are compared code unit by code unit, not by how they look.
    func testKeysThatOnlyLookAlikeAreDifferent() throws {
        let pairs = [
            ("\u{E9}", "e\u{301}"), ("\u{212B}", "\u{C5}"),
            ("a\u{323}\u{307}", "a\u{307}\u{323}"),
        ]
        for (one, other) in pairs {
            for count in [0, 20, 100] {
                let fill = (0..<count).map { #""k\#($0)":0,"# }.joined()
                for twin in [#""\#(other)""#, escaped(other)] {
                    let text = #"{\#(fill)"\#(one)":1,\#(twin):2}"#
                    let root = try outline(text)
                    XCTAssertEqual(root[one]?.numberLiteral, "1", text)
                    XCTAssertEqual(root[other]?.numberLiteral, "2", text)
                    XCTAssertEqual(root.value[one], 1, text)
                    XCTAssertEqual(root.value[other], 2, text)
                    XCTAssertNil(try JSON(parsing: #"{\#(fill)"\#(one)":1}"#)[other], text)
                    XCTAssertThrowsError(try outline(#"{\#(fill)"\#(other)":1,\#(twin):2}"#))
                }
            }
            let forth: JSON = .object(JSONObject([(one, 1), (other, 2)]))
            let back: JSON = .object(JSONObject([(other, 2), (one, 1)]))
            XCTAssertEqual(forth, back)
            XCTAssertEqual(forth.canonicalBytes, back.canonicalBytes)
            XCTAssertNotEqual(forth, .object(JSONObject([(one, 2), (other, 1)])))
        }
    }

    private func escaped(_ text: String) -> String {
        let units = text.utf16.map { unit in
            let digits = String(unit, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
        return "\"\(units.joined())\""
    }

    private func outline(_ text: String) throws -> JSONPart {
        try JSONOutline(parsing: Array(text.utf8)).root
    }

    private func text(_ part: JSONPart) -> String { String(decoding: part.bytes, as: UTF8.self) }
}
