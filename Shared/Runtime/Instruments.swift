import Synchronization

/// A number that only grows.
public final class Counter: Sendable {
    private let count = Atomic(0)

    public var value: Int { count.load(ordering: .relaxed) }

    public func add(_ amount: Int = 1) { count.wrappingAdd(amount, ordering: .relaxed) }
}

/// A number that goes up and down.
public final class Gauge: Sendable {
    private let level = Atomic(0)

    public var value: Int { level.load(ordering: .relaxed) }

    public func set(_ value: Int) { level.store(value, ordering: .relaxed) }
    public func add(_ amount: Int) { level.wrappingAdd(amount, ordering: .relaxed) }
}

/// Counts of observations under each of a few fixed bounds.
public final class Histogram: Sendable {
    /// Bounds for the answer to a request, in seconds (OpenTelemetry's advice for HTTP servers).
    public static let requestSeconds = [
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
    ]
    /// Bounds for a number of things handled together.
    public static let batchSizes: [Double] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]

    private let bounds: [Double]
    private let counts: [Counter]
    private let sumBits = Atomic<UInt64>(0)

    init(buckets: [Double]) {
        bounds = buckets.sorted()
        counts = (0...buckets.count).map { _ in Counter() }
    }

    public func observe(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count].add()
        var seen = sumBits.load(ordering: .relaxed)
        while true {
            let next = (Double(bitPattern: seen) + value).bitPattern
            let (exchanged, original) = sumBits.weakCompareExchange(
                expected: seen, desired: next, ordering: .relaxed)
            if exchanged { return }
            seen = original
        }
    }

    public func observe(_ duration: Duration) { observe(duration / .seconds(1)) }

    /// Buckets are read one after the other while others count; `_count` is their sum, so the
    /// lines always agree with each other.
    var samples: [Sample] {
        var total = 0
        var samples: [Sample] = []
        for (index, count) in counts.enumerated() {
            total += count.value
            let bound = index < bounds.count ? "\(bounds[index])" : "+Inf"
            samples.append(Sample("_bucket", labels: [("le", bound)], value: total))
        }
        let sum = Double(bitPattern: sumBits.load(ordering: .relaxed))
        return samples + [Sample("_sum", value: sum), Sample("_count", value: total)]
    }
}
