/// Ids that look opaque and are the same in every run: a counter, scrambled by splitmix64.
struct IdentifierSource: Sendable {
    private var counter: UInt64

    /// - Parameters:
    ///   - run: the seed of the sandbox.
    ///   - source: tells apart the sources of one run.
    init(run: Int, source: UInt64) {
        counter = source &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(truncatingIfNeeded: run) << 40
    }

    private mutating func next() -> UInt64 {
        counter &+= 0x9E37_79B9_7F4A_7C15
        var mixed = counter
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    private mutating func characters(_ count: Int, from alphabet: [UInt8]) -> String {
        let bytes = (0..<count).map { _ in alphabet[Int(next() % UInt64(alphabet.count))] }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let upper = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
    private static let mixed = upper + Array("abcdefghijklmnopqrstuvwxyz".utf8)

    /// `PGR0VU2`: the short ids of PagerDuty's resources.
    mutating func short() -> String { "P" + characters(6, from: Self.upper) }

    /// `Q2CKYRLH85UNN4`: incidents, notes and log entries.
    mutating func long() -> String { "Q" + characters(13, from: Self.upper) }

    /// `01FKZSRAPTMF55RE69G8BQHGC6`: webhook events.
    mutating func event() -> String { "01" + characters(24, from: Self.upper) }

    mutating func hexadecimal(_ count: Int) -> String {
        characters(count, from: Array("0123456789abcdef".utf8))
    }

    /// 64 characters that look like base 64, as the secrets of subscriptions do.
    mutating func secret() -> String { characters(64, from: Self.mixed) }

    /// Opaque part of an access token.
    mutating func token() -> String { characters(80, from: Self.mixed) }

    mutating func uuid() -> String {
        [8, 4, 4, 4, 12].map { hexadecimal($0) }.joined(separator: "-")
    }
}
