/// The options of a sandbox. Keys and names are invented; the demo uses them.
public struct SandboxOptions: Sendable {
    public struct PagerDutyOptions: Sendable {
        /// An account key: writes need `From`.
        public var apiKey = "u+SandboxAccountKey1"
        public var readOnlyKey = "u+SandboxReadOnly001"
        /// Acts as `liaison@example.com`.
        public var userKey = "u+SandboxUserKey0001"
        /// The limit of each key (PagerDuty.md 61).
        public var callsPerMinuteMax = 960
        /// The time in which calls are counted. It is shorter in tests.
        public var callMinute = Duration.seconds(60)
        /// The time that a webhook's receiver has to answer (PagerDuty.md 22).
        public var webhookDeadline = Duration.seconds(5)
    }

    public struct SalesforceOptions: Sendable {
        public var consumerKey = "3MVG9SandboxConsumerKey"
        /// PEM of the certificate or public key of the connected app. Without one no JWT is
        /// accepted; the control API can register it later.
        public var publicKeyPEM: String?
        /// The user of JWT logins.
        public var username = "liaison@sandbox.example"
        public var sessionLifetime = Duration.seconds(7_200)
        /// The allocation of a rolling day, as large as that of a full sandbox (Salesforce.md 32).
        public var callsPerDayMax = 5_000_000
        /// The time that the receiver of a trigger's callout has to answer (Salesforce.md 46).
        public var calloutDeadline = Duration.seconds(10)
    }

    public var pagerDuty = PagerDutyOptions()
    public var salesforce = SalesforceOptions()
    /// The pause before the first repetition of a delivery; it doubles from there.
    public var retryPauseFirst = Duration.seconds(1)
    public var retryPauseMax = Duration.seconds(60)
    /// Ids are the same in every run of one seed, and others than those of any other seed: what
    /// remembers the ids of an earlier run needs another one.
    public var seed = 0

    /// The time that the receiver of a Custom Incident Action has to answer (PagerDuty.md 22).
    static let customActionDeadline = Duration.seconds(16)

    public init() {}
}
