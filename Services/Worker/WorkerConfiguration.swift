import Foundation
import Postgres
import Runtime
import Store

/// The worker's settings, read once before anything starts.
struct WorkerConfiguration: Sendable {
    /// Names this worker in logs and in the list of workers.
    var name: String
    var database: Address
    /// Decrypt the secrets of connections.
    var secretKeys: SecretKeys
    var operationsHost: String
    /// `/healthz`, `/readyz`, `/metrics`; 0 takes any free port.
    var operationsPort: Int
    var logLevel: Log.Level
    var limits: WorkerLimits
    /// The time between two looks for a newer configuration.
    var refreshInterval: Duration
    /// The time that a stop may take before the rest is cancelled.
    var stopGrace: Duration

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
                refreshInterval: .seconds(
                    reader.integer("CONFIGURATION_REFRESH_SECONDS", in: 1...3600, default: 1)),
                stopGrace: .seconds(
                    reader.integer("STOP_GRACE_SECONDS", in: 1...600, default: 25)))
        }
    }
}

/// The limits of a worker's work.
struct WorkerLimits: Sendable {
    /// The most lanes that the worker works on at the same time.
    var lanesMax = 384
    /// The most jobs of one lane in one run; the lane then goes to the end of the queue.
    var jobsPerLaneMax = 32
    /// The most lanes that one exchange settles.
    var settlementsMax = 256
    /// A worker that does not renew its lease within this time loses its lanes.
    var leaseDuration = Duration.seconds(15)
    /// The worker looks for due lanes this often, give or take half, also without a notification.
    var pollInterval = Duration.seconds(1)
    /// The most attempts at one event before it is marked failed.
    var attemptsMax = 8
    /// The most changes that Liaison makes to one record or incident within ten minutes. The fuse
    /// then refuses more: two rules that undo each other end here.
    var changesPerTargetMax = 60
    /// The most calls in any minute with one PagerDuty credential, by all workers together
    /// (PagerDuty.md 61).
    var pagerDutyCallsPerMinuteMax = 960
    /// The most calls in any minute as one Salesforce user. Salesforce has no such limit: this one
    /// keeps a storm from using up the day's allocation in minutes.
    var salesforceCallsPerMinuteMax = 6000
    /// The seconds that a call may wait for its turn in the shared budget, where it holds a lane.
    /// The time in which vendors count calls. It is shorter in tests.
    var callMinute = Duration.seconds(60)
    var callWaitMax = Duration.seconds(2)
    /// The time for which our own write is remembered, to recognise its echo.
    var echoRetention = Duration.seconds(600)
    var databaseConnectionsMax = 6
    /// The days for which events and their outcomes are kept.
    var retentionDays: Int32 = 30

    var journal: JournalLimits {
        JournalLimits(window: echoRetention, changesMax: changesPerTargetMax)
    }

    init() {}

    init(reading reader: inout EnvironmentReader) {
        lanesMax = reader.integer("WORKER_LANES_MAX", in: 1...4096, default: lanesMax)
        jobsPerLaneMax = reader.integer(
            "WORKER_JOBS_PER_LANE_MAX", in: 1...1024, default: jobsPerLaneMax)
        leaseDuration = reader.seconds(
            "WORKER_LEASE_SECONDS", in: 3...600, default: leaseDuration / .seconds(1))
        pollInterval = reader.seconds(
            "WORKER_POLL_SECONDS", in: 0.05...60, default: pollInterval / .seconds(1))
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
