/// The members of a JSON object in the order in which they were written; keys are unique.
/// Two objects are equal when their members are, in any order.
public struct JSONObject: Sendable {
    public struct Member: Sendable {
        public let key: String
        public var value: JSON
    }

    /// Up to this many members a scan is faster than hashing the key.
    private static let scannedMembersMax = 12

    private var storage: [Member] = []
    private var index: [JSONKey: Int]?

    public init() {}

    /// A later member with the same key replaces the earlier one.
    public init(_ members: [(String, JSON)]) {
        storage.reserveCapacity(members.count)
        for (key, value) in members { self[key] = value }
    }

    /// Only for the parser, which has found the keys to be unique.
    init(unique members: [Member]) {
        storage = members
        makeIndex()
    }

    public var members: [Member] { storage }
    public var keys: [String] { storage.map(\.key) }
    public var count: Int { storage.count }
    public var isEmpty: Bool { storage.isEmpty }

    public subscript(_ key: String) -> JSON? {
        get { position(of: key).map { storage[$0].value } }
        set {
            switch (position(of: key), newValue) {
            case (let position?, let value?): storage[position].value = value
            case (nil, let value?): append(key, value)
            case (let position?, nil): remove(at: position)
            case (nil, nil): break
            }
        }
    }

    private func position(of key: String) -> Int? {
        if let index { return index[JSONKey(key)] }
        return storage.firstIndex { isSameKey($0.key, key) }
    }

    private mutating func append(_ key: String, _ value: JSON) {
        storage.append(Member(key: key, value: value))
        if index != nil { index?[JSONKey(key)] = storage.count - 1 } else { makeIndex() }
    }

    private mutating func remove(at position: Int) {
        storage.remove(at: position)
        if index != nil { makeIndex() }
    }

    private mutating func makeIndex() {
        guard storage.count > Self.scannedMembersMax else { return index = nil }
        index = Dictionary(uniqueKeysWithValues: storage.enumerated().map { (JSONKey($1.key), $0) })
    }
}

extension JSONObject: Equatable, Hashable {
    public static func == (a: Self, b: Self) -> Bool {
        a.count == b.count && a.storage.allSatisfy { b[$0.key] == $0.value }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        var folded = 0
        for member in storage {
            var inner = Hasher()
            inner.combine(member.key)
            inner.combine(member.value)
            folded ^= inner.finalize()
        }
        hasher.combine(folded)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSON)...) { self.init(elements) }
}
