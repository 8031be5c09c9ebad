import HTTP
import Models

/// Counts calls per key and minute; the headers tell the whole seconds that are left
/// (PagerDuty.md 61 and 62).
struct RateLimiter: Sendable {
    private struct Window: Sendable {
        let startedAt: Timestamp
        var used = 0
    }

    private let minute: Duration
    var callsPerMinuteMax: Int
    private var windows: [String: Window] = [:]

    /// - Parameter minute: shorter in tests.
    init(callsPerMinuteMax: Int, minute: Duration) {
        self.callsPerMinuteMax = callsPerMinuteMax
        self.minute = minute
    }

    mutating func count(_ key: String, at now: Timestamp) -> (isAllowed: Bool, HTTPHeaders) {
        var window = windows[key] ?? Window(startedAt: now)
        if window.startedAt.advanced(by: minute) <= now {
            window = Window(startedAt: now)
        }
        window.used += 1
        windows[key] = window
        let end = window.startedAt.advanced(by: minute)
        let secondsLeft = (end.milliseconds - now.milliseconds + 999) / 1000
        return (
            window.used <= callsPerMinuteMax,
            [
                "ratelimit-limit": String(callsPerMinuteMax),
                "ratelimit-remaining": String(max(0, callsPerMinuteMax - window.used)),
                "ratelimit-reset": String(secondsLeft),
            ]
        )
    }
}
