import Automation
import Models

/// What is needed to work on the lanes of one connection: its rules, made ready, and its vendors.
struct ConnectionRuntime: Sendable {
    let connection: Connection
    let rulebook: Rulebook
    let vendors: Vendors

    var version: ConfigurationVersion { rulebook.version }

    func judge(_ facts: Facts) -> Judgement { rulebook.judge(facts, now: facts.moment) }
}

extension Facts {
    /// Rules count from when the event occurred: the same answer on every attempt, and when
    /// somebody asks why, weeks later.
    fileprivate var moment: Timestamp { event.event.occurredAt }
}
