/// A key as RFC 8259 section 8.3 compares it, unit by unit: a `String` equals every text that looks
/// the same.
struct JSONKey: Hashable, Comparable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (a: Self, b: Self) -> Bool { isSameKey(a.text, b.text) }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    static func < (a: Self, b: Self) -> Bool {
        a.text == b.text ? a.text.utf8.lexicographicallyPrecedes(b.text.utf8) : a.text < b.text
    }
}

/// Compares the texts first, since most differ, and their bytes only if the texts are equal.
func isSameKey(_ a: String, _ b: String) -> Bool {
    a == b && a.utf8.elementsEqual(b.utf8)
}

extension JSONParser {
    /// Up to so many keys, comparing each with each costs less than hashing all.
    private static let comparedKeysMax = 64

    /// Keys are equal when their bytes are, however they were escaped.
    func hasDuplicateKeys(_ object: Int, count: Int) -> Bool {
        if count > Self.comparedKeysMax { return hasEqualHashes(object, count: count) }
        var key = object + 1
        while key < nodes.count {
            var earlier = object + 1
            while earlier < key {
                if isSameKey(nodes[earlier], nodes[key], in: bytes) { return true }
                earlier = nodes[earlier + 1].next
            }
            key = nodes[key + 1].next
        }
        return false
    }

    private func hasEqualHashes(_ object: Int, count: Int) -> Bool {
        var keys: Set<JSONKey> = []
        keys.reserveCapacity(count)
        var key = object + 1
        while key < nodes.count {
            if !keys.insert(JSONKey(decodedString(nodes[key], in: bytes))).inserted { return true }
            key = nodes[key + 1].next
        }
        return false
    }
}

private func isSameKey(
    _ a: JSONOutline.Node, _ b: JSONOutline.Node, in bytes: UnsafeBufferPointer<UInt8>
) -> Bool {
    guard a.isPlain, b.isPlain else {
        return isSameKey(decodedString(a, in: bytes), decodedString(b, in: bytes))
    }
    guard a.end - a.start == b.end - b.start else { return false }
    return isEqual(bytes, a.start, to: bytes, b.start, count: a.end - a.start)
}

func isKey(
    _ node: JSONOutline.Node, _ key: String, in bytes: UnsafeBufferPointer<UInt8>
) -> Bool {
    guard node.isPlain else { return isSameKey(decodedString(node, in: bytes), key) }
    guard node.end - node.start - 2 == key.utf8.count else { return false }
    var key = key
    return key.withUTF8 { isEqual(bytes, node.start + 1, to: $0, 0, count: $0.count) }
}

private func isEqual(
    _ a: UnsafeBufferPointer<UInt8>, _ aStart: Int, to b: UnsafeBufferPointer<UInt8>,
    _ bStart: Int, count: Int
) -> Bool {
    for place in 0..<count where a[aStart + place] != b[bStart + place] { return false }
    return true
}
