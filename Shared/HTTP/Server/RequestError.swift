/// A request that cannot be served. The start of the next request is not certain after it, so the
/// connection ends.
struct RequestError: Error, Equatable {
    let status: Int
    let detail: String

    init(_ status: Int, _ detail: String) {
        self.status = status
        self.detail = detail
    }

    static func badRequest(_ detail: String) -> RequestError { RequestError(400, detail) }

    var response: HTTPResponse {
        // This field says that the content coding was refused (RFC 9110 section 15.5.16).
        let headers: HTTPHeaders = status == 415 ? ["Accept-Encoding": "identity"] : [:]
        return .problem(status: status, detail: detail, headers: headers, closesConnection: true)
    }
}

extension RequestError {
    static let bodyTooLarge = RequestError(413, "The body is larger than this path allows.")
}
