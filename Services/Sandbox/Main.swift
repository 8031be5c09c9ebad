import Glibc
import Runtime

@main
struct Main {
    static func main() async {
        let stop = Latch()
        TerminationSignals.open(stop)
        do {
            try await run(SandboxConfiguration(environment: SandboxConfiguration.environment), stop)
        } catch {
            Log("sandbox").error("sandbox ended", ["reason": "\(error)"])
            exit(1)
        }
    }

    private static func run(_ configuration: SandboxConfiguration, _ stop: Latch) async throws {
        let log = Log("sandbox", level: configuration.logLevel)
        let sandbox = try Sandbox(
            configuration.options, host: configuration.host,
            pagerDutyPort: configuration.pagerDutyPort,
            salesforcePort: configuration.salesforcePort, log: log)
        log.info(
            "sandbox listens",
            [
                "pagerduty": .text(sandbox.pagerDutyURL),
                "salesforce": .text(sandbox.salesforceURL),
            ])
        try await sandbox.run(until: stop)
    }
}
