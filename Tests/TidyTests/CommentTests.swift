import XCTest

/// Comments are sentences, or say what a thing is.
final class CommentTests: XCTestCase {
    private let tree = SourceTree.shared

    /// A comment that begins with one of these is a riddle: `/// Of one call.`
    private static let openings: Set<Substring> = [
        "about", "across", "after", "against", "among", "as", "at", "before", "behind", "beside",
        "besides", "between", "beyond", "by", "during", "for", "from", "how", "in", "into", "like",
        "of", "on", "over", "since", "through", "to", "under", "until", "what", "when", "where",
        "whether", "which", "whichever", "while", "who", "who" + "ever", "whom", "whose", "why",
        "with",
        "within", "without",
    ]

    /// A folder may have 2 % of other comments, or one.
    func testCommentsBeginWithASubject() {
        let files = tree.swift(under: "Shared", "Services", "Tests")
        for (folder, files) in Dictionary(grouping: files, by: \.target).sorted(by: {
            $0.key < $1.key
        }) {
            let comments = files.flatMap { file in
                Self.comments(of: file).map { (place: "\(file.path):\($0.number)", text: $0.text) }
            }
            let found = comments.filter { comment in
                let first = comment.text.prefix { $0.isLetter }
                return Self.openings.contains(Substring(first.lowercased()))
            }
            XCTAssertLessThanOrEqual(
                found.count, max(1, comments.count / 50),
                "\(folder):\n" + found.map { "\($0.place): \($0.text)" }.joined(separator: "\n"))
        }
    }

    /// The first line of each block of whole-line comments.
    private static func comments(of file: SourceTree.File) -> [(number: Int, text: Substring)] {
        var found: [(number: Int, text: Substring)] = []
        var isInside = false
        for (index, line) in file.lines.enumerated() {
            let code = line.drop { $0 == " " }
            let isComment = code.hasPrefix("//")
            if isComment, !isInside {
                found.append((index + 1, code.drop { $0 == "/" }.drop { $0 == " " }))
            }
            isInside = isComment
        }
        return found
    }
}
