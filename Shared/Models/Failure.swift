/// The failure of an attempt. Each case says what the queue must do next, so that no caller has to
/// interpret a message.
public enum Failure: Error, Equatable, Sendable {
    /// Try again later, with back-off; counts an attempt.
    case retryable(Cause)
    /// The vendor asked for a pause, or our database cannot answer; costs no attempt.
    case throttled(Cause, retryAfter: Duration)
    /// Trying again cannot help until a person changes something.
    case permanent(Cause)
    /// We were stopped or lost the lease; costs no attempt.
    case interrupted

    public var cause: Cause? {
        switch self {
        case .retryable(let cause), .throttled(let cause, _), .permanent(let cause): cause
        case .interrupted: nil
        }
    }
}

extension Failure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .retryable(let cause), .permanent(let cause): cause.description
        case .throttled(let cause, let retryAfter):
            "\(cause); retry after \(retryAfter / .seconds(1)) s"
        case .interrupted: "interrupted: the worker stopped or lost its lease"
        }
    }
}

/// The cause of a failure, in the words of the side that reported it.
public struct Cause: Hashable, Sendable, CustomStringConvertible {
    public enum Origin: String, CaseIterable, Sendable {
        case pagerDuty, salesforce, liaison

        public init(_ vendor: Vendor) {
            self =
                switch vendor {
                case .pagerDuty: .pagerDuty
                case .salesforce: .salesforce
                }
        }
    }

    public var origin: Origin
    /// The vendor's own code: `UNABLE_TO_LOCK_ROW`, `2002`; or ours.
    public var code: String
    /// The vendor's own words. Never holds a secret.
    public var message: String
    /// HTTP status, when there was an answer.
    public var status: Int?

    public init(
        _ origin: Origin, code: String, message: String, status: Int? = nil
    ) {
        self.origin = origin
        self.code = code
        self.message = message
        self.status = status
    }

    public var description: String {
        let status = status.map { " (HTTP \($0))" } ?? ""
        return "\(origin.rawValue) \(code)\(status): \(message)"
    }
}
