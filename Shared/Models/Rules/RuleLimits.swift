/// The limits of a ruleset. Rules beyond them are refused when they are read, so that the
/// evaluation of one event has a known cost.
public enum RuleLimits {
    public static let rulesetsMax = 200
    public static let rulesMax = 500
    public static let conditionsMax = 200
    /// The deepest nesting of groups, the outermost counted.
    public static let depthMax = 8
    public static let actionsMax = 20
    /// The most fields of one new record, and elements and members of one body.
    public static let valuesMax = 500
    public static let nameCharactersMax = 80
    /// The longest name of an object or a field in Salesforce's API.
    public static let apiNameCharactersMax = 80
    public static let patternBytesMax = 1024
    /// The longest text to compare with.
    public static let textBytesMax = 4096
    /// The most elements of `isOneOf` and its like.
    public static let choicesMax = 500
    /// The longest template, and the longest text that it may become.
    public static let templateBytesMax = 32 * 1024
}
