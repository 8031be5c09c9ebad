/// A text to compare with, and its form in lower case. It is made once and compared often.
public struct FoldedText: Sendable, ExpressibleByStringLiteral {
    public let text: String
    public let folded: String

    public init(_ text: String) {
        self.text = text
        folded = text.lowercased()
    }

    public init(stringLiteral text: String) { self.init(text) }

    public func form(caseSensitive: Bool) -> String { caseSensitive ? text : folded }
}

extension FoldedText: Hashable {
    public static func == (a: Self, b: Self) -> Bool { a.text == b.text }
    public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}
