/// The values of a statement in the parallel arrays that libpq wants.
struct Parameters {
    private let types: [UInt32]
    private let lengths: [Int32]
    private let formats: [Int32]
    /// All values one after another, each with a NUL at its end, up to which libpq reads text.
    private let arena: [UInt8]
    private let offsets: [Int?]

    struct Pointers {
        let count: Int32
        let types: UnsafePointer<UInt32>?
        let values: UnsafePointer<UnsafePointer<CChar>?>?
        let lengths: UnsafePointer<Int32>?
        let formats: UnsafePointer<Int32>?
    }

    init(_ values: [Value]) {
        types = values.map(\.type)
        lengths = values.map { Int32(truncatingIfNeeded: $0.bytes?.count ?? 0) }
        formats = values.map { $0.isBinary ? 1 : 0 }
        var arena: [UInt8] = []
        arena.reserveCapacity(values.reduce(0) { $0 + ($1.bytes?.count ?? 0) + 1 })
        var offsets: [Int?] = []
        for value in values {
            offsets.append(value.bytes == nil ? nil : arena.count)
            arena.append(contentsOf: value.bytes ?? [])
            arena.append(0)
        }
        self.arena = arena
        self.offsets = offsets
    }

    func withPointers<T>(_ body: (Pointers) -> T) -> T {
        arena.withUnsafeBytes { arena in
            let values = offsets.map { offset in
                offset.flatMap { arena.baseAddress?.advanced(by: $0) }
                    .map { $0.assumingMemoryBound(to: CChar.self) }
            }
            return values.withUnsafeBufferPointer { values in
                types.withUnsafeBufferPointer { types in
                    lengths.withUnsafeBufferPointer { lengths in
                        formats.withUnsafeBufferPointer { formats in
                            body(
                                Pointers(
                                    count: Int32(types.count), types: types.baseAddress,
                                    values: values.baseAddress, lengths: lengths.baseAddress,
                                    formats: formats.baseAddress))
                        }
                    }
                }
            }
        }
    }
}
