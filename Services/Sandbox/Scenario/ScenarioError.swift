/// An error that ends a scenario.
enum ScenarioError: Error, Equatable {
    /// The scenario itself is wrong; every problem with its JSON pointer.
    case scenario([String])
    /// `{{name}}` has no value.
    case unknownName(String)
    /// There was no answer.
    case unreachable(String)
    /// The answer was not the one that the step needs.
    case unexpected(String)
    /// Deliveries or events still waited when the time was up.
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
