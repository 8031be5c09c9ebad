import FoundationEssentials  // ProcessInfo, for the environment.

/// `sandbox scenario FILE INGEST SANDBOX CONSOLE`: the scenario, where the webhooks go, where the
/// control API of a running sandbox is (both URLs without a slash at the end), and the console's
/// program. The variables of the environment can be used in the scenario.
struct ScenarioConfiguration {
    let file: String
    let ingestURL: String
    let sandboxURL: String
    let console: String
    let variables: [String: String]
    /// The longest that a step may take to settle.
    var settleMax = Duration.seconds(30)

    static let usage = "usage: sandbox scenario FILE INGEST-URL SANDBOX-URL CONSOLE"

    /// Returns nil if the arguments do not fit the usage.
    init?(
        _ words: [String],
        variables: [String: String] = ProcessInfo.processInfo.environment
    ) {
        guard words.count == 4 else { return nil }
        (file, ingestURL, sandboxURL, console) = (words[0], words[1], words[2], words[3])
        self.variables = variables
    }
}
