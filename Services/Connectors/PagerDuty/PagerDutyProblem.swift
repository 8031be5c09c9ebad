import HTTP
import JSON
import Models

/// An error body of PagerDuty, in any of the shapes that clients have met (PagerDuty.md 58):
/// `errors` absent, an array or one string; `error` an object, an array or one string; `code` a
/// number or a string; no JSON at all.
struct PagerDutyProblem: Equatable {
    var code: Int?
    var message: String
    var details: [String] = []

    /// The meaning of the words, where the code alone does not tell it (PagerDuty.md 60).
    enum Meaning {
        /// An open incident of the service has this `incident_key` already (PagerDuty.md 47).
        case duplicateKey
        /// Acknowledged or resolved already; a GET tells which (PagerDuty.md 51).
        case alreadyInState
        case other
    }

    init(_ response: HTTPResponse) {
        let error = response.json?["error"]
        if let object = error?.object {
            code = object["code"].flatMap { $0.int ?? $0.string.flatMap { Int($0) } }
            details = Self.texts(object["errors"])
            message = object["message"]?.string ?? "no message"
        } else if let error, !error.isNull {
            let texts = Self.texts(error)
            message = texts.first ?? "no message"
            details = Array(texts.dropFirst())
        } else {
            message = response.excerpt.isEmpty ? "empty answer" : response.excerpt
        }
    }

    var text: String {
        details.isEmpty ? message : "\(message): \(details.joined(separator: "; "))"
    }

    var meaning: Meaning {
        let words = text.lowercased()
        if words.contains("dedup key"), code == nil || code == 2002 { return .duplicateKey }
        let isAlready =
            words.contains("already resolved") || words.contains("already acknowledged")
        return isAlready || code == 1001 || code == 1002 ? .alreadyInState : .other
    }

    private static func texts(_ json: JSON?) -> [String] {
        guard let json, !json.isNull else { return [] }
        if let array = json.array { return array.map { $0.string ?? $0.text } }
        return [json.string ?? json.text]
    }
}

extension Cause {
    static func pagerDuty(_ response: HTTPResponse) -> Cause {
        let problem = PagerDutyProblem(response)
        return Cause(
            .pagerDuty, code: String(problem.code ?? response.status),
            message: problem.text.asWords, status: response.status)
    }
}

extension Failure {
    /// The pause after a 429 that names none (PagerDuty.md 63): half of the window of a minute.
    static let pagerDutyPause = Duration.seconds(30)

    /// The disposition of an answer that is no success (PagerDuty.md 59). The status decides, since
    /// one code stands for several problems (PagerDuty.md 60).
    static func pagerDuty(_ response: HTTPResponse) -> Failure {
        switch response.status {
        case 429:
            let asked = RateLimit(response.headers)?.reset ?? response.retryAfter
            return .throttled(.pagerDuty(response), boundedRetryAfter: asked ?? pagerDutyPause)
        case 408, 500...:
            return .retryable(.pagerDuty(response))
        default:
            return .permanent(.pagerDuty(response))
        }
    }
}
