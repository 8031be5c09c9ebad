/// A text with placeholders: `Case {{record.CaseNumber}}: {{record.Subject | truncate: 200}}`.
/// It has no logic and no host language behind it: only fields and a fixed list of filters. It is
/// parsed once, when the rule is read.
///
/// - `{{field}}`, `{{field | filter}}`, `{{field | filter: 'argument' | filter}}`; arguments are
///   numbers, or texts in single or double quotes.
/// - `{{'{{'}}` writes what stands between the quotes.
/// - `{{field}}` alone keeps the type of its value. Every filter but `default`, `date` and
///   `required` makes a text of it: `{{incident.number | trim}}` is one.
/// - A value that is not told or null becomes the empty text, unless `default` or `required`
///   follows.
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
        /// Replaces a value that is absent, null or empty.
        case `default`(String)
        case upper
        case lower
        /// Removes white space at both ends.
        case trim
        /// Cuts to this many characters as Salesforce counts them, in UTF-16 units; the last one is
        /// `…` if something was cut.
        case truncate(Int)
        /// Writes a date-time in UTC in a pattern of `yyyy`, `MM`, `dd`, `HH`, `mm` and `ss`, all
        /// other characters as they are. A value that is no date-time stays as it is.
        case date(String)
        /// Writes JSON text; an absent value is `null`.
        case json
        /// Removes tags, and resolves the five named entities and numbered ones.
        case stripHTML
        /// Joins a list to one text with this, or `, `, between the elements.
        case join(String)
        /// Fails the event instead of sending an empty text.
        case required
    }

    /// The text that the user wrote.
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
