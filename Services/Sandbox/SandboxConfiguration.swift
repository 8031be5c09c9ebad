import FoundationEssentials  // ProcessInfo, for the environment.
import Runtime

/// The sandbox's settings, from variables with the prefix `LIAISON_SANDBOX_`.
struct SandboxConfiguration {
    var options = SandboxOptions()
    var host = "127.0.0.1"
    var pagerDutyPort = 0
    var salesforcePort = 0
    var logLevel = Log.Level.info

    init(environment: [String: String]) throws(ConfigurationProblems) {
        self = try EnvironmentReader.read(environment, prefix: "LIAISON_SANDBOX_") { reader in
            var read = SandboxConfiguration()
            read.fill(from: &reader)
            return read
        }
    }

    private init() {}

    private mutating func fill(from reader: inout EnvironmentReader) {
        host = reader.string("HOST", default: host)
        pagerDutyPort = reader.integer("PAGERDUTY_PORT", in: 0...65_535, default: 7481)
        salesforcePort = reader.integer("SALESFORCE_PORT", in: 0...65_535, default: 7482)
        logLevel = reader.choice("LOG_LEVEL", default: logLevel)
        options.pagerDuty.apiKey = reader.string(
            "PAGERDUTY_API_KEY", default: options.pagerDuty.apiKey)
        options.pagerDuty.callsPerMinuteMax = reader.integer(
            "PAGERDUTY_CALLS_PER_MINUTE_MAX", in: 1...1_000_000,
            default: options.pagerDuty.callsPerMinuteMax)
        options.salesforce.consumerKey = reader.string(
            "SALESFORCE_CONSUMER_KEY", default: options.salesforce.consumerKey)
        options.salesforce.username = reader.string(
            "SALESFORCE_USERNAME", default: options.salesforce.username)
        options.salesforce.publicKeyPEM =
            reader.optionalSecret("SALESFORCE_PUBLIC_KEY")?.revealed
        let pause = reader.seconds("RETRY_FIRST_SECONDS", in: 0.001...60, default: 1)
        options.seed = reader.integer("SEED", in: 0...1_000_000, default: options.seed)
        options.retryPauseFirst = pause
    }

    static let environment = ProcessInfo.processInfo.environment
}
