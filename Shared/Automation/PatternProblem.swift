import JSON
import Models

extension Ruleset {
    /// Reads rulesets that a person gave, regular expressions included; every problem is noted at
    /// its pointer; returns nil if there is one.
    public static func list(checking reader: JSONReader) -> [Ruleset]? {
        list(reading: reader, patternProblem: Pattern.problem(in:))
    }
}

extension Configuration {
    /// Reads a whole configuration that a person gave, regular expressions included.
    public init?(checking reader: JSONReader, secrets: SecretResolver) {
        self.init(reading: reader, secrets: secrets, patternProblem: Pattern.problem(in:))
    }
}
