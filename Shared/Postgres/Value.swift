/// One parameter of a statement, as it is sent.
public struct Value: Sendable, Equatable {
    /// The number of the type in PostgreSQL (`pg_type.oid`). The server infers type 0 from the
    /// context.
    public let type: UInt32
    public let isBinary: Bool
    /// `nil` is SQL's NULL.
    public let bytes: [UInt8]?
}

/// A Swift value that can be a parameter. The binary forms are those of PostgreSQL's
/// `typsend`/`typreceive` functions: integers and floats in network byte order, text as UTF-8.
public protocol Bindable: Sendable {
    static var elementType: UInt32 { get }
    static var arrayType: UInt32 { get }
    static var null: Value { get }
    var bound: Value { get }
    func encode(into bytes: inout [UInt8])
}

extension Bindable {
    public static var null: Value { Value(type: elementType, isBinary: true, bytes: nil) }

    public var bound: Value {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        return Value(type: Self.elementType, isBinary: true, bytes: bytes)
    }
}

extension Value {
    init<T: Bindable>(array elements: [T]) {
        var bytes = Value.header(of: T.self, count: elements.count, hasNull: false)
        for element in elements { Value.append(element, to: &bytes) }
        self.init(type: T.arrayType, isBinary: true, bytes: bytes)
    }

    init<T: Bindable>(array elements: [T?]) {
        let hasNull = elements.contains { $0 == nil }
        var bytes = Value.header(of: T.self, count: elements.count, hasNull: hasNull)
        for element in elements {
            if let element {
                Value.append(element, to: &bytes)
            } else {
                Int32(-1).encode(into: &bytes)
            }
        }
        self.init(type: T.arrayType, isBinary: true, bytes: bytes)
    }

    /// Dimensions, a flag for NULLs, the element type, then length and lower bound (`array_recv`).
    private static func header<T: Bindable>(
        of _: T.Type, count: Int, hasNull: Bool
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        let dimensions: Int32 = count == 0 ? 0 : 1
        dimensions.encode(into: &bytes)
        Int32(hasNull ? 1 : 0).encode(into: &bytes)
        Int32(bitPattern: T.elementType).encode(into: &bytes)
        guard count > 0 else { return bytes }
        Int32(truncatingIfNeeded: count).encode(into: &bytes)
        Int32(1).encode(into: &bytes)
        return bytes
    }

    private static func append<T: Bindable>(_ element: T, to bytes: inout [UInt8]) {
        let start = bytes.count
        Int32(0).encode(into: &bytes)
        element.encode(into: &bytes)
        let length = Int32(truncatingIfNeeded: bytes.count - start - 4)
        withUnsafeBytes(of: length.bigEndian) { raw in
            for (offset, byte) in raw.enumerated() { bytes[start + offset] = byte }
        }
    }
}

extension FixedWidthInteger {
    fileprivate func appendBigEndian(to bytes: inout [UInt8]) {
        withUnsafeBytes(of: bigEndian) { bytes.append(contentsOf: $0) }
    }
}

extension Int32: Bindable {
    public static var elementType: UInt32 { 23 }
    public static var arrayType: UInt32 { 1007 }
    public func encode(into bytes: inout [UInt8]) { appendBigEndian(to: &bytes) }
}

extension Int64: Bindable {
    public static var elementType: UInt32 { 20 }
    public static var arrayType: UInt32 { 1016 }
    public func encode(into bytes: inout [UInt8]) { appendBigEndian(to: &bytes) }
}

extension Int: Bindable {
    public static var elementType: UInt32 { Int64.elementType }
    public static var arrayType: UInt32 { Int64.arrayType }
    public func encode(into bytes: inout [UInt8]) { Int64(self).encode(into: &bytes) }
}

extension Bool: Bindable {
    public static var elementType: UInt32 { 16 }
    public static var arrayType: UInt32 { 1000 }
    public func encode(into bytes: inout [UInt8]) { bytes.append(self ? 1 : 0) }
}

extension Double: Bindable {
    public static var elementType: UInt32 { 701 }
    public static var arrayType: UInt32 { 1022 }
    public func encode(into bytes: inout [UInt8]) { bitPattern.appendBigEndian(to: &bytes) }
}

/// An `interval`, to the microsecond.
extension Duration: Bindable {
    public static var elementType: UInt32 { 1186 }
    public static var arrayType: UInt32 { 1187 }
    public func encode(into bytes: inout [UInt8]) {
        let (seconds, attoseconds) = components
        let (whole, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let microseconds = isTooLong ? (seconds < 0 ? .min : .max) : whole
        (microseconds &+ (isTooLong ? 0 : attoseconds / 1_000_000_000_000)).encode(into: &bytes)
        // Days and months, which have no fixed length.
        Int64(0).encode(into: &bytes)
    }
}

/// A lone string goes as untyped text, so that `\(text)::uuid` and a `jsonb` column both take it;
/// inside an array it is `text`.
extension String: Bindable {
    public static var elementType: UInt32 { 25 }
    public static var arrayType: UInt32 { 1009 }
    public static var null: Value { Value(type: 0, isBinary: false, bytes: nil) }
    public var bound: Value { Value(type: 0, isBinary: false, bytes: Array(utf8)) }
    public func encode(into bytes: inout [UInt8]) { bytes.append(contentsOf: utf8) }
}

/// `bytea`.
extension Array: Bindable where Element == UInt8 {
    public static var elementType: UInt32 { 17 }
    public static var arrayType: UInt32 { 1001 }
    public func encode(into bytes: inout [UInt8]) { bytes.append(contentsOf: self) }
}
