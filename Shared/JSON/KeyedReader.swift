/// A reader of an object whose keys are declared as an enum. Only these keys can be asked for, and
/// `refuseOthers` notes every other member.
public struct KeyedReader<Key: RawRepresentable<String> & CaseIterable> {
    public let reader: JSONReader

    public init(_ reader: JSONReader) { self.reader = reader }

    public func has(_ key: Key) -> Bool { reader.has(key.rawValue) }

    public func member(_ key: Key) -> JSONReader? { reader.member(key.rawValue) }

    public func required(_ key: Key) -> JSONReader? { reader.required(key.rawValue) }

    public func elements(_ key: Key) -> [JSONReader] { reader.elements(key.rawValue) }

    public func problem(_ message: String, at key: Key) {
        reader.problem(message, at: key.rawValue)
    }

    /// Notes every member whose key is not declared.
    public func refuseOthers() { refuseOthers(than: Array(Key.allCases)) }

    /// Notes every member whose key is not among these.
    public func refuseOthers(than keys: [Key]) {
        reader.refuseOthers(than: keys.map(\.rawValue))
    }
}

extension JSONReader {
    public func keyed<Key>(by _: Key.Type) -> KeyedReader<Key> { KeyedReader(self) }
}
