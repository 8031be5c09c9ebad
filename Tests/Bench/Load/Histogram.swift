/// Counts durations in buckets, each 1/128 of its duration wide. A quantile is at most 0.8 % too
/// high, and the size does not depend on the number of durations.
struct Histogram {
    private static let precisionBits = 7
    private static let bucketsPerOctave = 1 << precisionBits

    private var counts = [UInt64](repeating: 0, count: (65 - precisionBits) * bucketsPerOctave)
    private(set) var count = 0
    /// The longest duration, in nanoseconds.
    private(set) var largest: UInt64 = 0

    mutating func record(nanoseconds: UInt64) {
        counts[Self.bucket(of: nanoseconds)] += 1
        count += 1
        largest = max(largest, nanoseconds)
    }

    /// The duration that this share of all durations does not exceed; 0 if there are none.
    func milliseconds(quantile: Double) -> Double {
        let rank = UInt64((quantile * Double(count)).rounded(.up))
        var seen: UInt64 = 0
        for (bucket, count) in counts.enumerated() {
            seen += count
            if count > 0, seen >= rank {
                return Double(min(Self.upperEnd(of: bucket), largest)) / 1e6
            }
        }
        return 0
    }

    private static func bucket(of value: UInt64) -> Int {
        guard value >= bucketsPerOctave else { return Int(value) }
        let shift = 63 - value.leadingZeroBitCount - precisionBits
        return shift * bucketsPerOctave + Int(value >> UInt64(shift))
    }

    private static func upperEnd(of bucket: Int) -> UInt64 {
        guard bucket >= bucketsPerOctave else { return UInt64(bucket) }
        let shift = bucket / bucketsPerOctave - 1
        let leading = UInt64(bucket - shift * bucketsPerOctave)
        return (leading + 1) << UInt64(shift) - 1
    }
}
