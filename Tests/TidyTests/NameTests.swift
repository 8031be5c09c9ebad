import XCTest

/// One type, one name.
final class NameTests: XCTestCase {
    private let tree = SourceTree.shared

    func testNoTypeNameIsDeclaredTwice() {
        let declaration =
            #/
            ^\s*(?:(?:public|private|fileprivate|internal|package|final|indirect|open)\s+)*
            (?:struct|enum|class|actor|protocol)\s+([A-Z]\w*)
            /#
        var places: [Substring: [String]] = [:]
        for file in tree.swift(under: "Shared", "Services") {
            for (index, line) in file.lines.enumerated() {
                guard let name = line.prefixMatch(of: declaration)?.1 else { continue }
                places[name, default: []].append("\(file.path):\(index + 1)")
            }
        }
        XCTAssertGreaterThan(places.count, 400)
        for (name, places) in places.sorted(by: { $0.key < $1.key }) where places.count > 1 {
            XCTFail("\(name) is declared in \(places.joined(separator: " and "))")
        }
    }
}
