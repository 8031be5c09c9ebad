/// The words after a command's name, sorted: `--name value`, `--name=value`, `--flag`, operands.
/// All words after `--` are operands.
struct Arguments: Equatable {
    private(set) var operands: [String] = []
    private var options: [String: String] = [:]
    private var flags: Set<String> = []

    /// - Parameters:
    ///   - options: names that take a value.
    ///   - flags: names that take none.
    init(
        _ words: some Sequence<String>, options known: Set<String> = [],
        flags bare: Set<String> = []
    ) throws(CommandError) {
        var rest = Array(words)[...]
        while let word = rest.popFirst() {
            if word == "--" {
                operands += rest
                return
            }
            guard word.hasPrefix("--") else {
                operands.append(word)
                continue
            }
            let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1).map(String.init)
            let name = parts.first ?? ""
            let isNew = options[name] == nil && !flags.contains(name)
            guard isNew else { throw .usage("--\(name) is given twice") }
            if bare.contains(name), parts.count == 1 {
                flags.insert(name)
            } else if known.contains(name) {
                guard let value = parts.count == 2 ? parts[1] : rest.popFirst() else {
                    throw .usage("--\(name) needs a value")
                }
                options[name] = value
            } else {
                throw .usage("\(word) is not an option of this command")
            }
        }
    }

    func has(_ flag: String) -> Bool { flags.contains(flag) }

    subscript(_ option: String) -> String? { options[option] }

    func number(_ option: String, in range: ClosedRange<Int>) throws(CommandError) -> Int? {
        guard let text = options[option] else { return nil }
        if let number = Int(text), range.contains(number) { return number }
        throw .usage(
            "--\(option) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }

    /// The only operand.
    func one(_ what: String) throws(CommandError) -> String {
        guard operands.count == 1 else { throw .usage("give exactly one \(what)") }
        return operands[0]
    }

    func none() throws(CommandError) {
        guard operands.isEmpty else { throw .usage("\"\(operands[0])\" is not expected here") }
    }
}
