/// A text with placeholders: `Case {{record.CaseNumber}}: {{record.Subject | truncate: 200}}`.
/// There is no logic in it and no host language behind it: fields, a fixed list of filters, nothing
/// else. Parsed once, when the rule is read.
///
/// - `{{field}}`, `{{field | filter}}`, `{{field | filter: 'argument' | filter}}`; arguments are
///   numbers, or texts in single or double quotes.
/// - `{{'{{'}}` writes what stands between the quotes.
/// - `{{field}}` alone keeps the type of its value. Every filter but `default`, `date` and
///   `required` makes a text of it: `{{incident.number | trim}}` is one.
/// - What is not told or null becomes the empty text, unless `default` or `required` follows.
public struct Template: Hashable, Sendable {
    public enum Part: Hashable, Sendable {
        case text(String)
        case placeholder(Placeholder)
    }

    public struct Placeholder: Hashable, Sendable {
        public let field: Field
        public let filters: [Filter]

        public init(field: Field, filters: [Filter] = []) {
            self.field = field
            self.filters = filters
        }
    }

    public enum Filter: Hashable, Sendable {
        /// Instead of a value that is absent, null or empty.
        case `default`(String)
        case upper
        case lower
        /// Without white space at both ends.
        case trim
        /// At most so many characters as Salesforce counts them, in UTF-16 units; the last one is
        /// `…` when something was cut.
        case truncate(Int)
        /// A date-time in UTC in a pattern of `yyyy`, `MM`, `dd`, `HH`, `mm` and `ss`, all other
        /// characters as they are. A value that is no date-time stays as it is.
        case date(String)
        /// As JSON text, absent as `null`.
        case json
        /// Without tags, with the five named entities and numbered ones resolved.
        case stripHTML
        /// A list as one text with this between the elements; without it `, `.
        case join(String)
        /// The event fails instead of sending an empty text.
        case required
    }

    /// As the user wrote it.
    public let source: String
    public let parts: [Part]

    public var fields: [Field] {
        parts.compactMap { part in
            switch part {
            case .text: nil
            case .placeholder(let placeholder): placeholder.field
            }
        }
    }

    /// The placeholder of a template that is nothing else: such a value keeps its JSON type.
    public var onlyPlaceholder: Placeholder? {
        guard parts.count == 1, case .placeholder(let placeholder) = parts[0] else { return nil }
        return placeholder
    }

    init(source: String, parts: [Part]) {
        self.source = source
        self.parts = parts
    }
}

extension Template {
    /// The names that a template may use.
    public enum FilterName: String, CaseIterable, Sendable {
        case `default`, upper, lower, trim, truncate, date, json, stripHTML, join, required
    }
}

extension Template.Filter {
    /// The largest number for `truncate`.
    static let charactersMax = 32 * 1024
    /// The pattern of `date` without an argument.
    static let datePattern = "yyyy-MM-dd"
}
