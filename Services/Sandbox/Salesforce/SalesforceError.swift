import HTTP
import JSON

/// An error of Salesforce's REST API (Salesforce.md 23): alone in an array, or as one record's
/// `errors` inside a collection.
struct SalesforceError: Error, Equatable {
    let status: Int
    let code: String
    let message: String
    /// `nil` leaves the member out where the real answers do.
    var fields: [String]?

    init(_ status: Int, _ code: String, _ message: String, fields: [String]? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
    }

    var response: HTTPResponse { .json(status, body) }

    var body: JSON {
        var error: JSON = ["message": .string(message), "errorCode": .string(code)]
        if let fields { error = error.with(["fields": .array(fields.map(JSON.string))]) }
        return [error]
    }

    /// The error as an element of a collection's answer: `statusCode`, and always `fields`.
    var recordResult: JSON {
        [
            "success": false,
            "errors": [
                [
                    "statusCode": .string(code), "message": .string(message),
                    "fields": .array((fields ?? []).map(JSON.string)),
                ]
            ],
        ]
    }
}

extension SalesforceError {
    static let sessionInvalid = SalesforceError(
        401, "INVALID_SESSION_ID", "Session expired or invalid")
    static let dailyLimit = SalesforceError(
        403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    static let unknownResource = SalesforceError(
        404, "NOT_FOUND", "The requested resource does not exist")
    static let deleted = SalesforceError(404, "ENTITY_IS_DELETED", "entity is deleted", fields: [])
    static let rolledBack = SalesforceError(
        400, "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "Record rolled back because not all records were valid and the request was using "
            + "AllOrNone header")
    static let halted = SalesforceError(
        400, "PROCESSING_HALTED",
        "The transaction was rolled back since another operation in the same transaction failed.")

    static func notFound(_ what: String) -> SalesforceError {
        SalesforceError(
            404, "NOT_FOUND",
            "Provided external ID field does not exist or is not accessible: \(what)")
    }

    static func noColumn(_ name: String, onType type: String) -> SalesforceError {
        SalesforceError(
            400, "INVALID_FIELD", "No such column '\(name)' on sobject of type \(type)")
    }

    static func notWritable(_ name: String) -> SalesforceError {
        SalesforceError(
            400, "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields: \(name). Please check the security settings of this "
                + "field and verify that it is read/write for your profile or permission set.",
            fields: [name])
    }

    static func required(_ names: [String]) -> SalesforceError {
        SalesforceError(
            400, "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [\(names.joined(separator: ", "))]", fields: names)
    }

    static func parser(_ type: String, _ value: JSON) -> SalesforceError {
        SalesforceError(
            400, "JSON_PARSER_ERROR",
            "Cannot deserialize instance of \(type) from value \(value.string ?? value.text) "
                + "or request may be missing a required field")
    }

    static func malformedQuery(_ message: String) -> SalesforceError {
        SalesforceError(400, "MALFORMED_QUERY", message)
    }

    static func duplicate(_ field: String, of id: String) -> SalesforceError {
        SalesforceError(
            400, "DUPLICATE_VALUE",
            "duplicate value found: \(field) duplicates value on record with id: \(id)",
            fields: [])
    }

    /// - Parameter isWrapped: true for the error as a customer's trigger rethrows it.
    static func locked(_ id: String, isWrapped: Bool) -> SalesforceError {
        let lock = "unable to obtain exclusive access to this record or 1 records: \(id)"
        guard isWrapped else { return SalesforceError(400, "UNABLE_TO_LOCK_ROW", lock, fields: []) }
        return SalesforceError(
            400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            "CaseTrigger: execution of AfterUpdate caused by: System.DmlException: Update failed. "
                + "First exception on row 0 with id \(id); first error: UNABLE_TO_LOCK_ROW, "
                + "\(lock): []",
            fields: [])
    }
}
