import JSON

/// The context in which the parts of a rule are read.
struct RuleReading {
    let direction: Rule.Direction
    /// The reason for which a text is no regular expression; nil if it is one.
    let patternProblem: (String) -> String?

    /// Reads the name of a field that means something in this direction.
    func field(_ reader: JSONReader) -> Field? {
        guard let name = reader.string() else { return nil }
        switch field(named: name) {
        case .success(let field): return field
        case .failure(let why):
            reader.problem(why.message)
            return nil
        }
    }

    func field(named name: String) -> Result<Field, Unsuitable> {
        guard let field = Field(name) else {
            return .failure(Unsuitable("\"\(name)\" is no field; known: \(Field.known)"))
        }
        if let why = field.problem(in: direction) { return .failure(Unsuitable(why)) }
        return .success(field)
    }

    struct Unsuitable: Error {
        let message: String
        init(_ message: String) { self.message = message }
    }
}
