/// Why a request is not served. After it nothing on the connection can be trusted to be where it
/// seems to be, so the connection ends.
struct Refusal: Error, Equatable {
    let status: Int
    let detail: String

    init(_ status: Int, _ detail: String) {
        self.status = status
        self.detail = detail
    }

    static func badRequest(_ detail: String) -> Refusal { Refusal(400, detail) }

    var response: HTTPResponse {
        // RFC 9110 section 15.5.16: a refused content coding is told apart by this field.
        let headers: HTTPHeaders = status == 415 ? ["Accept-Encoding": "identity"] : [:]
        return .problem(status: status, detail: detail, headers: headers, closesConnection: true)
    }
}

extension Refusal {
    static let bodyTooLarge = Refusal(413, "The body is larger than this path takes.")
}
