/// The reasons why a command was not carried out, in lines for the operator.
enum CommandError: Error, Equatable {
    /// The command line cannot be understood.
    case usage(String)
    /// Every problem, one line each.
    case problems([String])

    static func problem(_ line: String) -> CommandError { .problems([line]) }

    var status: Int32 {
        switch self {
        case .problems: 1
        case .usage: 2
        }
    }

    var lines: [String] {
        switch self {
        case .problems(let lines): lines
        case .usage(let line): [line, "Try: console --help"]
        }
    }
}
