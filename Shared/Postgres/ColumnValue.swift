/// A Swift type that can be read from a column, in the binary form of its SQL type.
public protocol ColumnValue {
    init(_ cell: Cell) throws(PostgresError)
}

/// One column of one row. `bytes` lives as long as `owner`, which is libpq's result.
public struct Cell {
    let name: String
    let type: UInt32
    let bytes: UnsafeRawBufferPointer?
    let owner: ResultHandle

    fileprivate func bytes(
        of accepted: Set<UInt32>, for wanted: String
    ) throws(PostgresError) -> UnsafeRawBufferPointer {
        guard accepted.contains(type) else {
            throw .row("column \"\(name)\" has type \(type), which \(wanted) does not read")
        }
        guard let bytes else {
            throw .row("column \"\(name)\" is null where \(wanted) is expected")
        }
        return bytes
    }

    fileprivate func integer(
        of accepted: Set<UInt32>, for wanted: String
    ) throws(PostgresError) -> Int64 {
        let bytes = try bytes(of: accepted, for: wanted)
        let negative = (bytes.first ?? 0) & 0x80 != 0
        return bytes.reduce(negative ? -1 : 0) { $0 << 8 | Int64($1) }
    }
}

private enum TypeID {
    static let bool: UInt32 = 16
    static let bytea: UInt32 = 17
    static let name: UInt32 = 19
    static let int8: UInt32 = 20
    static let int2: UInt32 = 21
    static let int4: UInt32 = 23
    static let text: UInt32 = 25
    static let json: UInt32 = 114
    static let float4: UInt32 = 700
    static let float8: UInt32 = 701
    static let unknown: UInt32 = 705
    static let bpchar: UInt32 = 1042
    static let varchar: UInt32 = 1043
    static let uuid: UInt32 = 2950
    static let jsonb: UInt32 = 3802
}

extension Int64: ColumnValue {
    public init(_ cell: Cell) throws(PostgresError) {
        let accepted: Set = [TypeID.int8, TypeID.int4, TypeID.int2]
        self = try cell.integer(of: accepted, for: "Int64")
    }
}

extension Int: ColumnValue {
    public init(_ cell: Cell) throws(PostgresError) {
        self = Int(try Int64(cell))
    }
}

extension Int32: ColumnValue {
    public init(_ cell: Cell) throws(PostgresError) {
        let value = try cell.integer(of: [TypeID.int4, TypeID.int2], for: "Int32")
        self = Int32(truncatingIfNeeded: value)
    }
}

extension Int16: ColumnValue {
    public init(_ cell: Cell) throws(PostgresError) {
        self = Int16(truncatingIfNeeded: try cell.integer(of: [TypeID.int2], for: "Int16"))
    }
}

extension Bool: ColumnValue {
    public init(_ cell: Cell) throws(PostgresError) {
        self = try cell.bytes(of: [TypeID.bool], for: "Bool").first == 1
    }
}

extension Double: ColumnValue {
    public init(_ cell: Cell) throws(PostgresError) {
        let bytes = try cell.bytes(of: [TypeID.float8, TypeID.float4], for: "Double")
        let bits = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        self =
            bytes.count == 4
            ? Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
            : Double(bitPattern: bits)
    }
}

/// Text of any kind, JSON as its text, and a UUID in its usual lower-case form.
extension String: ColumnValue {
    private static let plain: Set = [
        TypeID.text, TypeID.varchar, TypeID.bpchar, TypeID.name, TypeID.unknown, TypeID.json,
    ]

    public init(_ cell: Cell) throws(PostgresError) {
        switch cell.type {
        case TypeID.uuid:
            self = String.uuid(try cell.bytes(of: [TypeID.uuid], for: "String"))
        case TypeID.jsonb:
            // `jsonb_send` puts a version number before the text.
            let bytes = try cell.bytes(of: [TypeID.jsonb], for: "String")
            self = String(decoding: bytes.dropFirst(), as: UTF8.self)
        default:
            self = String(
                decoding: try cell.bytes(of: String.plain, for: "String"), as: UTF8.self)
        }
    }

    private static func uuid(_ bytes: UnsafeRawBufferPointer) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text.append(UInt8(ascii: "-")) }
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension Array: ColumnValue where Element == UInt8 {
    public init(_ cell: Cell) throws(PostgresError) {
        self = Array(try cell.bytes(of: [TypeID.bytea], for: "[UInt8]"))
    }
}

/// `nil` for NULL.
extension Optional: ColumnValue where Wrapped: ColumnValue {
    public init(_ cell: Cell) throws(PostgresError) {
        self = cell.bytes == nil ? nil : try Wrapped(cell)
    }
}
