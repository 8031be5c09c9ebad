/// The one source of randomness in the programs; tests inject a constant or a seeded one.
public struct Jitter: Sendable {
    private let draw: @Sendable () -> Double

    /// - Parameter unit: returns a number of `0..<1` at each call.
    public init(_ unit: @escaping @Sendable () -> Double) { draw = unit }

    /// Draws from the system's random number generator.
    public static let system = Jitter { Double.random(in: 0..<1) }

    /// A number of `0..<1`.
    public func unit() -> Double { draw() }

    /// A duration from `range`, every part of it equally likely.
    public func duration(in range: ClosedRange<Duration>) -> Duration {
        range.lowerBound + (range.upperBound - range.lowerBound) * draw()
    }
}
