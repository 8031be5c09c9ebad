// `Span` is not a `Collection` yet; the parsers need only these algorithms.

func firstIndex(of byte: UInt8, in bytes: Span<UInt8>, from start: Int) -> Int? {
    var index = start
    while index < bytes.count {
        if bytes[index] == byte { return index }
        index += 1
    }
    return nil
}

func all(_ bytes: Span<UInt8>, _ predicate: (UInt8) -> Bool) -> Bool {
    for index in bytes.indices where !predicate(bytes[index]) { return false }
    return true
}

func equal(_ bytes: Span<UInt8>, _ text: StaticString) -> Bool {
    guard bytes.count == text.utf8CodeUnitCount else { return false }
    return text.withUTF8Buffer { expected in
        for index in bytes.indices where bytes[index] != expected[index] { return false }
        return true
    }
}

/// - Parameter text: in lower case.
func equalIgnoringCase(_ bytes: Span<UInt8>, _ text: StaticString) -> Bool {
    guard bytes.count == text.utf8CodeUnitCount else { return false }
    return text.withUTF8Buffer { expected in
        for index in bytes.indices where lowercased(bytes[index]) != expected[index] {
            return false
        }
        return true
    }
}

/// Header values may hold any byte above 127; only those that are UTF-8 can become a `String`
/// without changing, and a value that changed on the way in would no longer be what was signed.
func text(_ bytes: Span<UInt8>) throws(RequestError) -> String {
    guard let text = bytes.withUnsafeBufferPointer({ String(validating: $0, as: UTF8.self) })
    else { throw .badRequest("A header field's value is not UTF-8 text.") }
    return text
}
