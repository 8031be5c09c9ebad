import HTTP

/// The rate limit of PagerDuty that is nearest to being reached (PagerDuty.md 62).
public struct RateLimit: Hashable, Sendable {
    /// Requests per window.
    public var limit: Int?
    public var remaining: Int?
    /// Until the window ends, from the moment of the answer.
    public var resetSeconds: Double?

    public init(limit: Int? = nil, remaining: Int? = nil, resetSeconds: Double? = nil) {
        self.limit = limit
        self.remaining = remaining
        self.resetSeconds = resetSeconds
    }

    /// Nil when the answer says nothing; headers that are no numbers count as absent.
    init?(_ headers: HTTPHeaders) {
        func number(_ name: String) -> Int? {
            headers[name].flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
        }
        self.init(
            limit: number("ratelimit-limit"), remaining: number("ratelimit-remaining"),
            resetSeconds: number("ratelimit-reset").map(Double.init))
        if limit == nil && remaining == nil && resetSeconds == nil { return nil }
    }
}
