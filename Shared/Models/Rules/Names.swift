/// The grammar of the names that people give: what is checked here can stand in a key, a URL or a
/// log line without being escaped.
public enum Names {
    /// `notify-on-call`: lower-case letters, digits, `-` and `_`, 1 to 64, begins with a letter or
    /// digit.
    static func isSlug(_ text: String) -> Bool {
        let bytes = text.utf8
        guard (1...64).contains(bytes.count), let first = bytes.first else { return false }
        return (isLower(first) || isDigit(first))
            && bytes.allSatisfy { isLower($0) || isDigit($0) || $0 == 0x2D || $0 == 0x5F }
    }

    /// A name in Salesforce's API: a letter, then letters, digits and underscores
    /// (`ns__Outage__c`).
    static func isAPIName(_ text: String) -> Bool {
        let bytes = text.utf8
        guard (1...RuleLimits.apiNameCharactersMax).contains(bytes.count), let first = bytes.first
        else { return false }
        return isLetter(first) && bytes.allSatisfy { isLetter($0) || isDigit($0) || $0 == 0x5F }
    }

    /// Salesforce does not distinguish upper and lower case in its names.
    public static func areSame(_ a: String, _ b: String) -> Bool {
        a == b || a.lowercased() == b.lowercased()
    }

    /// A ruleset's name is for people, but it is part of `RuleID` and `EffectKey`: no `/`, no `|`,
    /// nothing invisible at either end; `@` begins our own names.
    static func isTitle(_ text: String) -> Bool {
        (1...RuleLimits.nameCharactersMax).contains(text.count)
            && text.unicodeScalars.allSatisfy {
                $0.value >= 0x20 && $0.value != 0x7F && $0 != "/" && $0 != "|"
            }
            && text.first != " " && text.last != " " && text.first != "@"
    }

    private static func isLower(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) }
    static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    static func isLetter(_ byte: UInt8) -> Bool {
        isLower(byte) || (0x41...0x5A).contains(byte)
    }
}
