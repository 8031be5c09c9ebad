import HTTP
import Models

/// The next step after one problem (Salesforce.md 25 to 30).
enum SalesforceDisposition: Equatable {
    case stop
    case retry
    case wait(Duration)

    /// The pause after the day's allocation is used up: it comes back little by little.
    static let allocationPause = Duration.seconds(900)
    static let concurrencyPause = Duration.seconds(15)
    /// The pause after a refusal that only an administrator can correct: asking slowly keeps the
    /// jobs until then.
    static let configurationPause = Duration.seconds(300)
    static let defaultPause = Duration.seconds(30)

    /// - Parameter status: the status of the answer; nil for one record of a collection.
    init(_ problem: SalesforceProblem, status: Int?) {
        self = Self.byCode(problem) ?? Self.byStatus(status ?? 400)
    }

    private static func byCode(_ problem: SalesforceProblem) -> SalesforceDisposition? {
        let message = problem.message
        switch problem.code {
        case let code where sessionCodes.contains(code):
            return isPermanentSessionText(message) ? .stop : .retry
        case "REQUEST_LIMIT_EXCEEDED":
            if message.contains("ConcurrentPerOrg") { return .retry }
            let isMomentary = message.contains("ConcurrentRequests")
            return .wait(isMomentary ? concurrencyPause : allocationPause)
        case "API_CURRENTLY_DISABLED":
            return .wait(allocationPause)
        case "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER":
            return message.contains("UNABLE_TO_LOCK_ROW") ? .retry : .stop
        case let code where passing.contains(code):
            return .retry
        default:
            let isOthersLoad =
                problem.code.hasPrefix("ConcurrentPerOrg") || message.contains("ConcurrentPerOrg")
            return isOthersLoad ? .retry : nil
        }
    }

    /// Codes after which a new login may help.
    static let sessionCodes: Set<String> = ["INVALID_SESSION_ID", "INVALID_AUTH_HEADER"]

    /// Codes that pass by themselves, whatever the status (Salesforce.md 29). The last two are
    /// records that were fine and were rolled back with another one (Salesforce.md 16).
    private static let passing: Set<String> = [
        "UNABLE_TO_LOCK_ROW", "QUERY_TIMEOUT", "REQUEST_RUNNING_TOO_LONG", "INVALID_QUERY_LOCATOR",
        "INVALID_LOCATOR", "UNKNOWN_EXCEPTION", "SERVER_UNAVAILABLE",
        "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE",
        "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK", "PROCESSING_HALTED",
    ]

    private static func byStatus(_ status: Int) -> SalesforceDisposition {
        switch status {
        case 429: .wait(defaultPause)
        case 408, 420, 500...: .retry
        default: .stop
        }
    }

    /// True for the words that come with the code of an expired session although a new session
    /// would fare no better (Salesforce.md 10). Without this a client logs in for ever.
    static func isPermanentSessionText(_ message: String) -> Bool {
        ["not valid for use with", "not attached to Agent"].contains { message.contains($0) }
    }
}

extension Failure {
    /// The disposition of an answer that is no success.
    static func salesforce(_ response: HTTPResponse) -> Failure {
        let failure = salesforce(SalesforceProblem.all(in: response), status: response.status)
        if case .throttled(let cause, _) = failure, let asked = response.retryAfter {
            return .throttled(cause, boundedRetryAfter: asked)
        }
        return failure
    }

    /// The disposition of several problems: one that needs a person decides, then the longest wait.
    ///
    /// - Parameter status: nil for one record of a collection.
    static func salesforce(_ problems: [SalesforceProblem], status: Int?) -> Failure {
        let cause = Cause.salesforce(problems, status: status)
        let dispositions = problems.map { SalesforceDisposition($0, status: status) }
        if dispositions.isEmpty || dispositions.contains(.stop) { return .permanent(cause) }
        let waits = dispositions.compactMap { disposition -> Duration? in
            if case .wait(let pause) = disposition { pause } else { nil }
        }
        return waits.max().map { .throttled(cause, retryAfter: $0) } ?? .retryable(cause)
    }

    /// The disposition of a refused login (Salesforce.md 9). Most refusals need an administrator
    /// (app, user, key, clock): the jobs are kept, and the login is repeated slowly.
    static func salesforceLogin(_ response: HTTPResponse, at login: ServerOrigin) -> Failure {
        let json = response.json
        let code = json?["error"]?.string ?? String(response.status)
        // Not an excerpt of the body: it could hold the assertion.
        var message = json?["error_description"]?.string ?? "no OAuth error in the answer"
        if let date = response.headers["Date"], message.contains("expired") {
            message += " (Salesforce's clock: \(date))"
        }
        let cause = Cause(
            .salesforce, code: code.asWords, message: "login at \(login): \(message)".asWords,
            status: response.status)
        let words = "\(code) \(message)".lowercased()
        let isTransient =
            response.status >= 500 || response.status == 408 || code == "unknown_error"
            || words.contains("retry your request")
        if isTransient { return .retryable(cause) }
        let asked = response.retryAfter ?? .zero
        return .throttled(
            cause, boundedRetryAfter: max(asked, SalesforceDisposition.configurationPause))
    }
}
