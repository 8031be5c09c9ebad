import Automation
import Models

/// The rules and the vendors of one connection, ready for work on its lanes.
struct ConnectionRuntime: Sendable {
    let connection: Connection
    let rulebook: Rulebook
    let vendors: Vendors

    var version: ConfigurationVersion { rulebook.version }

    func judge(_ facts: Facts) -> Judgement { rulebook.judge(facts, now: facts.moment) }
}

extension Facts {
    /// The moment from which rules count: that of the event. So every attempt has the same answer,
    /// and an explanation weeks later as well.
    fileprivate var moment: Timestamp { event.event.occurredAt }
}
