/// `*` is any run of characters, `?` one character; the whole text must match.
enum Wildcard {
    /// The number of steps after which a comparison is given up.
    static let stepsMax = 1_000_000

    /// Returns nil if the limit was met. It goes back to the last `*` only: the text after an
    /// earlier one is found leftmost already.
    static func matches(_ pattern: String, _ text: String) -> Bool? {
        let pattern = Array(pattern)
        let text = Array(text)
        var (p, t, steps) = (0, 0, 0)
        var star: (pattern: Int, text: Int)?
        while t < text.count {
            steps += 1
            if steps > stepsMax { return nil }
            if p < pattern.count, pattern[p] == "*" {
                star = (p, t)
                p += 1
            } else if p < pattern.count, pattern[p] == "?" || pattern[p] == text[t] {
                p += 1
                t += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                p = last.pattern + 1
                t = last.text + 1
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == "*" }
    }
}
