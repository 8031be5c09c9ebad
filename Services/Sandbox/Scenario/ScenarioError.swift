/// Why a step of a play, or the whole of it, cannot go on.
enum ScenarioError: Error, Equatable {
    /// The scenario itself is wrong; every problem with its JSON pointer.
    case scenario([String])
    /// `{{name}}` stands for nothing.
    case unknownName(String)
    /// No answer at all.
    case unreachable(String)
    /// An answer that is not the one the step relies on.
    case unexpected(String)
    /// Deliveries or events were still waiting when patience ended.
    case restless(String)

    var sentence: String {
        switch self {
        case .scenario(let problems): problems.joined(separator: "\n")
        case .unknownName(let name): "nothing is known as {{\(name)}}"
        case .unreachable(let what): what
        case .unexpected(let what): what
        case .restless(let what): "not settled in time: \(what)"
        }
    }
}
