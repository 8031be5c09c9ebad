import Glibc

/// A reading of the machine's clock: for logs, and for comparing with what another machine says of
/// its own clock. Due times are the database's.
public struct WallTime: Equatable, Sendable {
    /// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
    public let milliseconds: Int

    public static func now() -> WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(milliseconds: time.tv_sec * 1000 + time.tv_nsec / 1_000_000)
    }

    /// RFC 3339 in UTC with milliseconds, as in `2031-05-06T07:08:09.123Z`.
    var rfc3339: String {
        var seconds = milliseconds / 1000
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let date = [
            pad(Int(parts.tm_year) + 1900, to: 4), pad(Int(parts.tm_mon) + 1),
            pad(Int(parts.tm_mday)),
        ].joined(separator: "-")
        let time = [pad(Int(parts.tm_hour)), pad(Int(parts.tm_min)), pad(Int(parts.tm_sec))]
            .joined(separator: ":")
        return "\(date)T\(time).\(pad(milliseconds % 1000, to: 3))Z"
    }

    private func pad(_ number: Int, to width: Int = 2) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
