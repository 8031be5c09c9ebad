import JSON
import Models

/// Reads values of either vendor as texts, numbers and so on. They arrive typed from Apex and REST
/// but as texts from outbound messages, and a rule must not notice: see `Operator`.
enum ValueReading {
    /// Null and the empty text are one value, as they are in Salesforce.
    static func isBlank(_ value: JSON) -> Bool { value.isNull || value == .string("") }

    static func text(_ value: JSON) -> String? {
        switch value {
        case .null: ""
        case .string(let text): text
        case .number(let number): number.literal
        case .bool(let bool): bool ? "true" : "false"
        case .array, .object: nil
        }
    }

    static func number(_ value: JSON) -> JSONNumber? {
        switch value {
        case .number(let number): number
        case .string(let text) where text.utf8.count <= 64 && text.utf8.allSatisfy { $0 > 0x20 }:
            try? JSON(parsing: text).number
        case .null, .bool, .string, .array, .object: nil
        }
    }

    static func moment(_ value: JSON) -> Timestamp? { value.string.flatMap(Timestamp.init) }

    static func bool(_ value: JSON) -> Bool? {
        switch value {
        case .bool(let bool): bool
        case .string("true"): true
        case .string("false"): false
        case .null, .number, .string, .array, .object: nil
        }
    }

    /// An array of texts, or a multi-select value: `"a;b"`.
    static func list(_ value: JSON) -> [String]? {
        switch value {
        case .null: return []
        case .string(let text): return text.split(separator: ";").map { trimmed($0) }
        case .array(let elements):
            let texts = elements.compactMap(text)
            return texts.count == elements.count ? texts : nil
        case .bool, .number, .object: return nil
        }
    }

    static func trimmed(_ text: some StringProtocol) -> String {
        let head = text.drop { $0.isWhitespace }
        guard let last = head.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(head[...last])
    }

    /// Two Salesforce ids of 15 and 18 characters are equal when the first 15 characters are; all
    /// other texts are compared whole. An id of 15 characters takes the form of 18 for that, which
    /// was made to be compared without regard to case.
    static func areSame(_ a: String, _ b: String, caseSensitive: Bool = false) -> Bool {
        if key(a, caseSensitive: caseSensitive) == key(b, caseSensitive: caseSensitive) {
            return true
        }
        guard a.utf8.count != b.utf8.count, let a = identifier(a), let b = identifier(b) else {
            return false
        }
        return a == b
    }

    /// True if a text can only mean itself: no number, boolean or date-time in the form of a text.
    static func isWord(_ text: String) -> Bool {
        !text.isEmpty && number(.string(text)) == nil && bool(.string(text)) == nil
            && Timestamp(text) == nil
    }

    static func key(_ text: String, caseSensitive: Bool = false) -> String {
        let whole = text.utf8.count == 15 ? identifier(text)?.long ?? text : text
        return caseSensitive ? whole : whole.lowercased()
    }

    /// Texts that are the same share a key; texts that share one need not be the same.
    static func keys(_ text: String) -> Set<String> {
        var keys: Set = [key(text)]
        if text.utf8.count == 18, let id = identifier(text) { keys.insert(key(id.key)) }
        return keys
    }

    /// Reads a text as a record id. A digit tells an id from a word of 15 letters: every id has
    /// one.
    private static func identifier(_ text: String) -> RecordID? {
        guard text.utf8.count == 15 || text.utf8.count == 18,
            text.utf8.contains(where: { (0x30...0x39).contains($0) })
        else { return nil }
        return RecordID(text)
    }

    /// True if two values of any type mean the same: as numbers if one is a number, as booleans if
    /// one is a boolean, as times if both are, else as texts.
    static func areEqual(_ a: JSON, _ b: JSON, caseSensitive: Bool = false) -> Bool {
        if isBlank(a) || isBlank(b) { return isBlank(a) && isBlank(b) }
        switch (a, b) {
        case (.number, _), (_, .number):
            guard let a = number(a), let b = number(b) else { return false }
            return a == b
        case (.bool, _), (_, .bool):
            return bool(a) != nil && bool(a) == bool(b)
        case (.string(let a), .string(let b)):
            if areSame(a, b, caseSensitive: caseSensitive) { return true }
            guard let a = Timestamp(a), let b = Timestamp(b) else { return false }
            return a == b
        case (.array, _), (.object, _), (_, .array), (_, .object), (.null, _), (_, .null):
            return a == b
        }
    }
}
