import HTTP
import JSON
import Models

/// One error of Salesforce, read from any shape of its answers (Salesforce.md 23).
struct SalesforceProblem: Equatable {
    /// `UNABLE_TO_LOCK_ROW`; the status in digits when the answer has no code.
    var code: String
    var message: String
    var fields: [String] = []

    /// REST: an array of `errorCode`; collections: an array of `statusCode`; OAuth: an object of
    /// `error`. Anything else (HTML, a SOAP fault, nothing) becomes one problem with its text.
    static func all(in response: HTTPResponse) -> [SalesforceProblem] {
        let json = response.json
        let found = (json?.array ?? json.map { [$0] } ?? []).compactMap { SalesforceProblem($0) }
        if !found.isEmpty { return found }
        let text = response.excerpt.isEmpty ? "empty answer" : response.excerpt
        return [SalesforceProblem(code: String(response.status), message: text)]
    }

    init?(_ json: JSON) {
        let code = json["errorCode"] ?? json["statusCode"] ?? json["error"]
        guard let code = code?.string else { return nil }
        self.code = code
        message = (json["message"] ?? json["error_description"])?.string ?? "no message"
        fields = json["fields"]?.array?.compactMap(\.string) ?? []
        let matches = Self.matches(json)
        if !matches.isEmpty { message += " (\(matches.joined(separator: ", ")))" }
    }

    init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    var text: String {
        fields.isEmpty ? message : "\(message) [\(fields.joined(separator: ", "))]"
    }

    /// The records that a duplicate rule found; one of the two keys is misspelt (Salesforce.md 24).
    private static func matches(_ json: JSON) -> [String] {
        let result = json["duplicateResut"] ?? json["duplicateResult"]
        let results = result?["matchResults"]?.array ?? []
        return results.flatMap { $0["matchRecords"]?.array ?? [] }
            .compactMap { $0["record"]?["Id"]?.string }
    }
}

extension Cause {
    static func salesforce(_ problems: [SalesforceProblem], status: Int?) -> Cause {
        Cause(
            .salesforce, code: problems.first?.code.asWords ?? "unknown",
            message: problems.map(\.text).joined(separator: "; ").asWords, status: status)
    }
}
