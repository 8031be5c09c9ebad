/// A method and a path, such as `PUT /incidents/{}/notes/{}`. `{}` stands for one segment of the
/// path, a last `**` for one or more; several methods are joined by `|`.
///
/// Segments compare byte by byte. A slash at the end of a path makes a last, empty segment.
public struct HTTPRoutePattern: Sendable, ExpressibleByStringLiteral {
    private let text: StaticString

    public init(stringLiteral text: StaticString) { self.text = text }

    public func matches(method: String, segments: [some StringProtocol]) -> Bool {
        allows(method) && parameters(in: segments) != nil
    }

    /// The allowed methods, as in a header field `Allow`.
    var methods: String {
        text.withUTF8Buffer { text in
            text.prefix { $0 != space }.split(separator: bar)
                .map { String(decoding: $0, as: UTF8.self) }.joined(separator: ", ")
        }
    }

    func allows(_ method: String) -> Bool {
        text.withUTF8Buffer { text in
            var rest = text.prefix { $0 != space }
            while !rest.isEmpty {
                let allowed = rest.prefix { $0 != bar }
                if allowed.elementsEqual(method.utf8) { return true }
                rest = rest.dropFirst(allowed.count + 1)
            }
            return false
        }
    }

    /// The segments that stand for `{}` and `**`, in order; nil if the path is another one.
    func parameters<Segment: StringProtocol>(in segments: [Segment]) -> [Segment]? {
        text.withUTF8Buffer { text in
            var pattern = text.drop { $0 != slash }
            var parameters: [Segment] = []
            for (index, segment) in segments.enumerated() {
                guard pattern.popFirst() != nil else { return nil }
                let expected = pattern.prefix { $0 != slash }
                pattern = pattern.dropFirst(expected.count)
                if expected.elementsEqual("**".utf8) { return parameters + segments[index...] }
                if expected.elementsEqual("{}".utf8) {
                    parameters.append(segment)
                } else if !expected.elementsEqual(segment.utf8) {
                    return nil
                }
            }
            return pattern.isEmpty ? parameters : nil
        }
    }
}

/// A table that maps methods and paths to handlers.
public struct HTTPRouter<Handler: Sendable>: Sendable {
    public enum RouteMatch: Sendable {
        /// The parameters are the segments of the path that stand for `{}` and `**`, still
        /// percent-encoded.
        case handler(Handler, parameters: [Substring])
        /// The path exists; `allowed` is the value of the header field `Allow`.
        case methodNotAllowed(allowed: String)
        case notFound
    }

    private let routes: [(pattern: HTTPRoutePattern, handler: Handler)]

    /// - Parameter routes: the first that matches is taken.
    public init(_ routes: KeyValuePairs<HTTPRoutePattern, Handler>) {
        self.routes = routes.map { ($0, $1) }
    }

    public func match(method: String, path: String) -> RouteMatch {
        let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        var allowed: [String] = []
        for (pattern, handler) in routes {
            guard let parameters = pattern.parameters(in: segments) else { continue }
            if pattern.allows(method) { return .handler(handler, parameters: parameters) }
            allowed.append(pattern.methods)
        }
        return allowed.isEmpty
            ? .notFound : .methodNotAllowed(allowed: allowed.joined(separator: ", "))
    }
}

extension HTTPResponse {
    public static let pathNotFound = HTTPResponse.problem(
        status: 404, detail: "This server has no such path.")

    public static func methodNotAllowed(allowed: String) -> HTTPResponse {
        .problem(
            status: 405, detail: "This path does not take that method; send \(allowed).",
            headers: ["Allow": allowed])
    }
}

private let space = UInt8(ascii: " ")
private let bar = UInt8(ascii: "|")
private let slash = UInt8(ascii: "/")
