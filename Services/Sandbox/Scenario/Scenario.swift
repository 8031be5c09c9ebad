import JSON

/// A script of steps with their expected results. A scenario is data: it is read whole before the
/// first step runs.
///
///     {"title", "capture"?, "steps": [{"title", "do": [ACTION, ..], "capture"?, "expect"}]}
///
/// `capture` names values for later: `{"incident": "/_sandbox/..#/pointer"}`; `#/pointer` alone
/// reads the answer to the step's last action. Everywhere else `{{name}}` stands for such a
/// value or for a variable of the environment.
struct Scenario: Sendable {
    let title: String
    let captures: [Capture]
    let steps: [ScenarioStep]

    /// A name for the value at `pointer` in the answer to a GET of `path`, or without a path in the
    /// answer to the last action.
    struct Capture: Sendable {
        let name: String
        let path: String?
        let pointer: String
    }

    /// The expected results of a step.
    struct Expectation: Sendable {
        /// All new events of the log in any order; echoes of our own writes need not be listed.
        let events: [ExpectedEvent]
        /// All calls that change something, in order for each vendor:
        /// `"pagerduty POST /incidents"`, with another answer than 2xx `".. 503"`. `*` stands for
        /// any text; with `, once or more` at the end a call may be repeated, because writes of
        /// several lanes travel together when they happen to meet.
        let calls: [String]
        /// Expected values at pointers into the control API.
        let holdings: [Holding]
    }

    struct ExpectedEvent: Sendable {
        let kind: String
        let outcome: String
        /// The rules that matched, by the last parts of their ids.
        let rules: [String]
        /// A part of the cause in the log.
        let cause: String?
        let attempts: Int?
    }

    struct Holding: Sendable {
        let path: String
        let pointer: String
        /// A value, `{"contains": text}` or `{"count": n}`.
        let value: JSON
    }
}

/// One action of a step.
enum ScenarioAction: Sendable {
    /// `{"control": "POST /_sandbox/..", "body"?}`: a user works at a vendor, or a fault
    /// occurs there.
    case control(method: String, path: String, body: JSON)
    /// `{"deliver": "/pagerduty/acme", "body", "headers"?, "sign"?, "status"}`: a webhook that
    /// the stand-ins do not send by themselves.
    case deliver(RawDelivery)
    /// `{"deliverAgain": true, "status"}`: the same bytes once more.
    case deliverAgain(status: Int)
    /// `{"console": ["replay", ..]}`: runs a command of the console.
    case console([String])
}

struct ScenarioStep: Sendable {
    let title: String
    let acts: [ScenarioAction]
    let captures: [Scenario.Capture]
    let expected: Scenario.Expectation
}

/// A webhook in the vendor's own words, with the signature it carries.
struct RawDelivery: Sendable {

    let path: String
    /// JSON, or a text that is sent as it is.
    let body: JSON
    let headers: [(name: String, value: String)]
    let proof: DeliverySignature
    let status: Int
}

enum DeliverySignature: Sendable {
    case none
    /// `{"pagerDuty": secret}`: the signature of a V3 webhook.
    case pagerDuty(secret: String)
    /// `{"apex": secret}`: that of the Apex package.
    case apex(secret: String)
}
