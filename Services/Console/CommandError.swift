/// Why a command was not carried out, in lines for the person who gave it.
enum CommandError: Error, Equatable {
    /// The command line itself makes no sense.
    case usage(String)
    /// Everything that is wrong, one line each.
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
