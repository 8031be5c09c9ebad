import HTTP
import JSON

/// Several requests in one, of which later ones may use what earlier ones answered
/// (Salesforce.md 15).
extension SalesforceOrg {
    static let subrequestsMax = 25

    mutating func composite(_ call: SalesforceCall) throws(SalesforceError) -> HTTPResponse {
        let body = try call.body()
        let requests = body["compositeRequest"]?.array ?? []
        if requests.isEmpty || requests.count > Self.subrequestsMax {
            throw SalesforceError(
                400, "INVALID_INPUT",
                "The composite request must hold 1 to \(Self.subrequestsMax) subrequests.")
        }
        let isAtomic = body["allOrNone"]?.bool ?? false
        let before: SalesforceOrg? = isAtomic ? self : nil
        var answers: [Subanswer] = []
        for request in requests {
            answers.append(try answer(request, after: answers, call))
        }
        if let before, answers.contains(where: \.isFailure) {
            self = before
            answers = answers.map { $0.isFailure ? $0 : $0.halted }
        }
        return .json(200, ["compositeResponse": .array(answers.map(\.json))])
    }

    private mutating func answer(
        _ request: JSON, after earlier: [Subanswer], _ outer: SalesforceCall
    ) throws(SalesforceError) -> Subanswer {
        guard let method = request["method"]?.string, let url = request["url"]?.string,
            let reference = request["referenceId"]?.string, Self.isReference(reference)
        else {
            throw SalesforceError(
                400, "INVALID_INPUT", "A subrequest needs method, url and referenceId.")
        }
        let answer = { (response: HTTPResponse) in
            Subanswer(reference: reference, response: response)
        }
        do {
            let filled = try References(earlier).fill(url)
            let body = try request["body"].map { (body) throws(SalesforceError) in
                try References(earlier).fill(body)
            }
            let inner = APICall(method: method, url: filled, body: body, within: outer.call)
            return answer(try serve(SalesforceCall(call: inner, userID: outer.userID)))
        } catch {
            return answer(error.response)
        }
    }

    private static func isReference(_ text: String) -> Bool {
        let allowed = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || byte == 0x5F
                || (0x61...0x7A).contains(byte)
        }
        return allowed && text.first?.isLetter == true
    }
}

private struct Subanswer {
    let reference: String
    let response: HTTPResponse

    var isFailure: Bool { response.status >= 400 }
    var body: JSON { (try? JSON(parsing: response.body)) ?? .null }

    var halted: Subanswer {
        Subanswer(reference: reference, response: SalesforceError.halted.response)
    }

    var json: JSON {
        let location = response.headers["Location"]
        return [
            "body": body,
            "httpHeaders": location.map { ["Location": .string($0)] } ?? [:],
            "httpStatusCode": JSON(response.status), "referenceId": .string(reference),
        ]
    }
}

/// `@{ref.id}` and `@{ref.records[0].Id}`, looked up in earlier answers.
private struct References {
    let answers: [Subanswer]

    init(_ answers: [Subanswer]) { self.answers = answers }

    func fill(_ value: JSON) throws(SalesforceError) -> JSON {
        switch value {
        case .string(let text): return .string(try fill(text))
        case .array(let elements):
            return .array(
                try elements.map { (element) throws(SalesforceError) in try fill(element) })
        case .object(let object):
            var filled = JSONObject()
            for member in object.members { filled[member.key] = try fill(member.value) }
            return .object(filled)
        case .null, .bool, .number: return value
        }
    }

    func fill(_ text: String) throws(SalesforceError) -> String {
        var filled = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "@{"),
            let end = rest[start.upperBound...].firstIndex(of: "}")
        {
            filled += rest[..<start.lowerBound]
            filled += try lookUp(rest[start.upperBound..<end])
            rest = rest[rest.index(after: end)...]
        }
        return filled + rest
    }

    private func lookUp(_ path: Substring) throws(SalesforceError) -> String {
        let steps = path.split { $0 == "." || $0 == "[" || $0 == "]" }
        let answer = answers.first { $0.reference == steps.first.map(String.init) }
        var value = answer?.body
        for step in steps.dropFirst() {
            value = Int(step).flatMap { value?[$0] } ?? value?[String(step)]
        }
        guard let value, !value.isNull else {
            throw SalesforceError(
                400, "PROCESSING_HALTED", "Invalid reference specified. No value for \(path) found")
        }
        return value.string ?? value.text
    }
}
