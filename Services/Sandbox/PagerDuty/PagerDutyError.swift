import HTTP
import JSON

/// An error of PagerDuty's REST API: the status, and the object it stands in
/// (PagerDuty.md 58).
struct PagerDutyError: Error, Equatable {
    let status: Int
    let code: Int
    let message: String
    /// `nil` leaves the member out, as some of the real answers do.
    var errors: [String]? = nil

    static let notFound = PagerDutyError(status: 404, code: 2100, message: "Not Found")
    static let unauthorized = PagerDutyError(status: 401, code: 2006, message: "Unauthorized")
    static let readOnly = PagerDutyError(status: 403, code: 2010, message: "Access Denied")
    static let alreadyResolved = PagerDutyError(
        status: 400, code: 1001, message: "Incident Already Resolved")
    static let alreadyAcknowledged = PagerDutyError(
        status: 400, code: 1002, message: "Incident Already Acknowledged")
    static let cannotEscalate = PagerDutyError(
        status: 400, code: 1006, message: "Incident Cannot Be Escalated")
    static let assigneeNotFound = PagerDutyError(
        status: 400, code: 1007, message: "Assigned To User Not Found")
    static let requesterNotFound = PagerDutyError(
        status: 400, code: 1008, message: "Requester User Not Found", errors: [])
    static let cannotReassign = PagerDutyError(
        status: 400, code: 1011, message: "Incident Cannot Be Reassigned")
    static let policyNotFound = PagerDutyError(
        status: 400, code: 1014, message: "Escalation Policy Not Found")
    static let alreadyMerged = PagerDutyError(
        status: 400, code: 1019, message: "Incident Already Merged")
    static let invalidPriority = PagerDutyError(
        status: 400, code: 1020, message: "Invalid Priority")
    static let malformedFrom = PagerDutyError(
        status: 400, code: 1028, message: "Malformed \"From\" header")
    static let fromMissing = PagerDutyError(
        status: 400, code: 2016,
        message:
            "You must specify a user's email address in the \"From\" header to perform this action")
    static let tooManyItems = PagerDutyError(
        status: 413, code: 2001, message: "Invalid Input Provided",
        errors: ["Incidents must contain at most 250 items."])

    static func invalid(_ errors: String...) -> PagerDutyError {
        PagerDutyError(status: 400, code: 2001, message: "Invalid Input Provided", errors: errors)
    }

    static func arguments(_ error: String) -> PagerDutyError {
        PagerDutyError(status: 400, code: 2002, message: "Arguments Caused Error", errors: [error])
    }

    static func missingAbility(_ name: String) -> PagerDutyError {
        PagerDutyError(
            status: 402, code: 2014,
            message: "Account does not have the abilities to perform the action.",
            errors: ["The account does not have the ability: \(name)"])
    }

    static func limitReached(_ message: String) -> PagerDutyError {
        PagerDutyError(status: 400, code: 2019, message: message)
    }

    var response: HTTPResponse {
        var error: JSON = ["message": .string(message), "code": JSON(code)]
        if let errors { error = error.with(["errors": .array(errors.map(JSON.string))]) }
        return .json(status, ["error": error])
    }

    static let rateLimited: HTTPResponse = .json(
        429, ["error": ["message": "Rate Limit Exceeded", "code": 2020]])
}
