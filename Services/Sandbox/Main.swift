import Glibc
import Runtime

@main
struct SandboxMain {
    /// Ends with 0 after a stop, 78 (`EX_CONFIG`) for a configuration that cannot be used, 1 when
    /// a part of the process failed.
    static func main() async {
        let words = Array(CommandLine.arguments.dropFirst())
        if words.first == "scenario" { exit(await runScenario(Array(words.dropFirst()))) }
        let stop = Latch()
        TerminationSignals.open(stop)
        do {
            let configuration = try SandboxConfiguration(
                environment: SandboxConfiguration.environment)
            exit(await run(configuration, until: stop))
        } catch {
            error.write(to: Log("sandbox"))
            exit(EX_CONFIG)
        }
    }

    private static func run(_ configuration: SandboxConfiguration, until stop: Latch) async -> Int32
    {
        let log = Log("sandbox", level: configuration.logLevel)
        do {
            let sandbox = try Sandbox(
                configuration.options, host: configuration.host,
                pagerDutyPort: configuration.pagerDutyPort,
                salesforcePort: configuration.salesforcePort, log: log)
            log.info(
                "listening",
                [
                    "pagerduty_url": .text(sandbox.pagerDutyURL),
                    "salesforce_url": .text(sandbox.salesforceURL),
                ])
            try await sandbox.run(until: stop)
            return EXIT_SUCCESS
        } catch {
            log.error("ended", ["reason": "\(error)"])
            return EXIT_FAILURE
        }
    }
}
