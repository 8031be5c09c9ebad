import HTTP

/// The rate limit of PagerDuty that is nearest to being reached, as an answer states it
/// (PagerDuty.md 62).
public struct RateLimit: Hashable, Sendable {
    /// Requests per window.
    public var limit: Int?
    public var remaining: Int?
    /// The time from the answer to the end of the window.
    public var reset: Duration?

    public init(limit: Int? = nil, remaining: Int? = nil, reset: Duration? = nil) {
        self.limit = limit
        self.remaining = remaining
        self.reset = reset
    }

    /// Returns nil if the answer states nothing; a header that is no number counts as absent.
    init?(_ headers: HTTPHeaders) {
        func number(_ name: String) -> Int? {
            headers[name].flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
        }
        self.init(
            limit: number("ratelimit-limit"), remaining: number("ratelimit-remaining"),
            reset: number("ratelimit-reset").map { .seconds($0) })
        if limit == nil && remaining == nil && reset == nil { return nil }
    }
}
