import Glibc

/// The times at which requests are due that arrive independently of each other at a mean rate: a
/// Poisson process, as with pgbench's `--rate`. The seed makes the gaps equal in every run.
struct PoissonArrivals {
    private let ratePerSecond: Double
    private var state: UInt64
    /// The next time, in nanoseconds of the monotonic clock.
    private(set) var next: UInt64

    init(ratePerSecond: Double, from start: UInt64, seed: UInt64 = 1) {
        self.ratePerSecond = ratePerSecond
        state = seed
        next = start
        advance()
    }

    mutating func advance() {
        next += UInt64(-log(1 - uniform()) / ratePerSecond * 1e9)
    }

    /// The next number in 0..<1 of SplitMix64 (Steele, Lea, Flood, 2014).
    private mutating func uniform() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((mixed ^ (mixed >> 31)) >> 11) / Double(1 << 53)
    }
}
