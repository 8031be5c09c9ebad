import FoundationEssentials  // ProcessInfo, for the environment.
import Postgres
import Runtime
import Store

/// The settings of `ingest`, which `deploy/SETTINGS.md` explains.
struct IngestConfiguration: Sendable {
    struct ListenAddress: Sendable {
        var host: String
        /// 0 takes any free port.
        var port: Int
    }

    var publicAddress: ListenAddress
    var operationsAddress: ListenAddress
    var database: Address
    /// The keys that decrypt the secrets of connections.
    var secretKeys: SecretKeys
    var pagerDutyBytesMax = 512 << 10
    var salesforceBytesMax = 4 << 20
    var clientConnectionsMax = 4096
    var refreshInterval = Duration.seconds(1)
    /// The most events of one connection that may wait for the workers.
    var backlogEventsMax = 1_000_000
    var backlogRefreshInterval = Duration.seconds(5)
    var grace = Duration.seconds(25)
    var append = AppendLimits()
    var logLevel = Log.Level.info

    init(
        publicAddress: ListenAddress, operationsAddress: ListenAddress, database: Address,
        secretKeys: SecretKeys
    ) {
        self.publicAddress = publicAddress
        self.operationsAddress = operationsAddress
        self.database = database
        self.secretKeys = secretKeys
    }

    static func read() throws(ConfigurationProblems) -> IngestConfiguration {
        try read(ProcessInfo.processInfo.environment)
    }

    static func read(
        _ variables: [String: String]
    ) throws(ConfigurationProblems) -> IngestConfiguration {
        try EnvironmentReader.read(variables) { environment in
            var configuration = IngestConfiguration(
                publicAddress: ListenAddress(
                    host: environment.string("INGEST_HOST", default: "0.0.0.0"),
                    port: environment.integer("INGEST_PORT", in: 0...65535, default: 8080)),
                operationsAddress: ListenAddress(
                    host: environment.string("INGEST_OPERATIONS_HOST", default: "127.0.0.1"),
                    port: environment.integer(
                        "INGEST_OPERATIONS_PORT", in: 0...65535, default: 9080)),
                database: environment.address(), secretKeys: environment.secretKeys())
            configuration.readLimits(&environment)
            return configuration
        }
    }

    private mutating func readLimits(_ environment: inout EnvironmentReader) {
        logLevel = environment.choice("LOG_LEVEL", default: logLevel)
        pagerDutyBytesMax = environment.bytes(
            "INGEST_PAGERDUTY_BYTES_MAX", in: 262_144...(16 << 20), default: pagerDutyBytesMax)
        salesforceBytesMax = environment.bytes(
            "INGEST_SALESFORCE_BYTES_MAX", in: 262_144...(16 << 20), default: salesforceBytesMax)
        clientConnectionsMax = environment.integer(
            "INGEST_CLIENT_CONNECTIONS_MAX", in: 16...100_000, default: clientConnectionsMax)
        append.batchEventsMax = environment.integer(
            "INGEST_BATCH_EVENTS_MAX", in: 1...1000, default: append.batchEventsMax)
        append.waitingEventsMax = environment.integer(
            "INGEST_WAITING_EVENTS_MAX", in: 200...1_000_000, default: append.waitingEventsMax)
        append.writers = environment.integer("INGEST_WRITERS", in: 1...8, default: append.writers)
        backlogEventsMax = environment.integer(
            "BACKLOG_EVENTS_MAX", in: 1000...1_000_000_000, default: backlogEventsMax)
        refreshInterval = environment.wholeSeconds(
            "CONFIGURATION_REFRESH_SECONDS", in: 1...3600, default: 1)
        grace = environment.wholeSeconds("STOP_GRACE_SECONDS", in: 1...600, default: 25)
    }
}
