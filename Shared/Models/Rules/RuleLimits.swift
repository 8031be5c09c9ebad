/// What a ruleset may hold. Beyond it is refused when the rules are read, so that the evaluation
/// of one event has a known cost.
public enum RuleLimits {
    public static let rulesetsMax = 200
    public static let rulesMax = 500
    public static let conditionsMax = 200
    /// Groups within groups, the outermost counted.
    public static let depthMax = 8
    public static let actionsMax = 20
    /// Fields of one new record, elements and members of one body.
    public static let valuesMax = 500
    public static let nameCharactersMax = 80
    /// Of an object or a field in Salesforce's API; longer ones no call is made with.
    public static let apiNameCharactersMax = 80
    public static let patternBytesMax = 1024
    /// One text to compare with.
    public static let textBytesMax = 4096
    /// Elements of `isOneOf` and its like.
    public static let choicesMax = 500
    /// A template as it is written, and what it may become.
    public static let templateBytesMax = 32 * 1024
}
