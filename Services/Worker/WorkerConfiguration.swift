import Foundation
import Postgres
import Runtime
import Store

/// Everything that a worker is told from outside, read once before anything starts.
struct WorkerConfiguration: Sendable {
    /// Names this worker in the log and in the ledger.
    var name: String
    var database: Address
    /// Open the connections' secrets.
    var secretKeys: SecretKeys
    var operationsHost: String
    /// `/healthz`, `/readyz`, `/metrics`; 0 takes any free port.
    var operationsPort: Int
    var logLevel: Log.Level
    var limits: WorkerLimits
    var refreshSeconds: Double
    /// How long a stop may take before what is left is cancelled.
    var graceSeconds: Double

    static func read(
        _ environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ConfigurationProblems) -> WorkerConfiguration {
        try EnvironmentReader.read(environment) { reader in
            WorkerConfiguration(
                name: reader.string("WORKER_NAME", default: ProcessInfo.processInfo.hostName),
                database: reader.address(),
                secretKeys: reader.secretKeys(),
                operationsHost: reader.string("WORKER_OPERATIONS_HOST", default: "127.0.0.1"),
                operationsPort: reader.integer(
                    "WORKER_OPERATIONS_PORT", in: 0...65_535, default: 9081),
                logLevel: reader.choice("LOG_LEVEL", default: Log.Level.info),
                limits: WorkerLimits(reading: &reader),
                refreshSeconds: Double(
                    reader.integer("CONFIGURATION_REFRESH_SECONDS", in: 1...3600, default: 1)),
                graceSeconds: Double(
                    reader.integer("STOP_GRACE_SECONDS", in: 1...600, default: 25)))
        }
    }
}

/// What a worker takes on at once and how patient it is.
struct WorkerLimits: Sendable {
    /// Lanes worked on at the same time.
    var lanesMax = 384
    /// Jobs of one lane in one turn: the lane then goes to the end of the queue.
    var jobsPerLaneMax = 32
    /// Lanes settled in one exchange.
    var settlementsMax = 256
    /// A worker that does not renew its lease for so long has lost its lanes.
    var leaseSeconds = 15.0
    /// Without a notification the worker looks for due lanes this often, give or take half.
    var pollSeconds = 1.0
    /// Attempts at one event before it is marked failed.
    var attemptsMax = 8
    /// Changes that Liaison makes to one record or incident within ten minutes before the fuse
    /// parks it: two rules that undo each other end here.
    var changesPerTargetMax = 60
    /// Calls in any minute with one PagerDuty credential, by all workers together
    /// (PagerDuty.md 61).
    var pagerDutyCallsPerMinuteMax = 960
    /// The same for a Salesforce user, who has no such limit: so that a storm does not
    /// use up the day's allocation in minutes.
    var salesforceCallsPerMinuteMax = 6000
    /// How long a call may wait for its turn in the shared budget, where it holds a lane.
    var callWaitSecondsMax = 2.0
    /// How long our own write is remembered to recognise its echo.
    var echoSeconds = 600.0
    var databaseConnectionsMax = 6
    /// How long events and their ledger are kept.
    var retentionDays: Int32 = 30

    var journal: JournalLimits {
        JournalLimits(seconds: echoSeconds, changesMax: changesPerTargetMax)
    }

    init() {}

    init(reading reader: inout EnvironmentReader) {
        lanesMax = reader.integer("WORKER_LANES_MAX", in: 1...4096, default: lanesMax)
        jobsPerLaneMax = reader.integer(
            "WORKER_JOBS_PER_LANE_MAX", in: 1...1024, default: jobsPerLaneMax)
        leaseSeconds =
            reader.seconds("WORKER_LEASE_SECONDS", in: 3...600, default: leaseSeconds) / .seconds(1)
        pollSeconds =
            reader.seconds("WORKER_POLL_SECONDS", in: 0.05...60, default: pollSeconds) / .seconds(1)
        attemptsMax = reader.integer("WORKER_ATTEMPTS_MAX", in: 1...100, default: attemptsMax)
        changesPerTargetMax = reader.integer(
            "WORKER_CHANGES_PER_TARGET_MAX", in: 1...100_000, default: changesPerTargetMax)
        pagerDutyCallsPerMinuteMax = reader.integer(
            "WORKER_PAGERDUTY_CALLS_PER_MINUTE_MAX", in: 1...100_000,
            default: pagerDutyCallsPerMinuteMax)
        salesforceCallsPerMinuteMax = reader.integer(
            "WORKER_SALESFORCE_CALLS_PER_MINUTE_MAX", in: 1...1_000_000,
            default: salesforceCallsPerMinuteMax)
        databaseConnectionsMax = reader.integer(
            "DATABASE_CONNECTIONS_MAX", in: 2...100, default: databaseConnectionsMax)
        retentionDays = Int32(
            reader.integer("RETENTION_DAYS", in: 1...3650, default: Int(retentionDays)))
    }
}
