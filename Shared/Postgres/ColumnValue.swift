import CPostgres

/// A Swift type that can be read from a column, in the binary form of its SQL type.
public protocol ColumnValue {
    init(_ cell: Cell) throws(PostgresError)
}

/// One column of one row. `bytes` lives as long as `owner`, which is libpq's result.
public struct Cell {
    let column: Int32
    let type: UInt32
    let bytes: UnsafeRawBufferPointer?
    let owner: ResultHandle

    private var name: String {
        PQfname(owner.pointer, column).map { String(cString: $0) } ?? ""
    }

    /// - Parameter isAccepted: true for column types that can be read as the wanted type.
    fileprivate func bytes(
        for wanted: StaticString, _ isAccepted: (UInt32) -> Bool
    ) throws(PostgresError) -> UnsafeRawBufferPointer {
        guard isAccepted(type) else {
            throw .row("column \"\(name)\" has type \(type), which \(wanted) does not read")
        }
        guard let bytes else {
            throw .row("column \"\(name)\" is null where \(wanted) is expected")
        }
        return bytes
    }

    fileprivate func integer(
        for wanted: StaticString, _ isAccepted: (UInt32) -> Bool
    ) throws(PostgresError) -> Int64 {
        let bytes = try bytes(for: wanted, isAccepted)
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

    static func isPlainText(_ type: UInt32) -> Bool {
        switch type {
        case text, varchar, bpchar, name, unknown, json: true
        case _: false
        }
    }
}

extension Int64: ColumnValue {
    public init(_ cell: Cell) throws(PostgresError) {
        self = try cell.integer(for: "Int64") {
            $0 == TypeID.int8 || $0 == TypeID.int4 || $0 == TypeID.int2
        }
    }
}

extension Int: ColumnValue {
    public init(_ cell: Cell) throws(PostgresError) {
        self = Int(try Int64(cell))
    }
}

extension Int32: ColumnValue {
    public init(_ cell: Cell) throws(PostgresError) {
        let value = try cell.integer(for: "Int32") { $0 == TypeID.int4 || $0 == TypeID.int2 }
        self = Int32(truncatingIfNeeded: value)
    }
}

extension Bool: ColumnValue {
    public init(_ cell: Cell) throws(PostgresError) {
        self = try cell.bytes(for: "Bool") { $0 == TypeID.bool }.first == 1
    }
}

extension Double: ColumnValue {
    public init(_ cell: Cell) throws(PostgresError) {
        let bytes = try cell.bytes(for: "Double") { $0 == TypeID.float8 || $0 == TypeID.float4 }
        let bits = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        self =
            bytes.count == 4
            ? Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
            : Double(bitPattern: bits)
    }
}

/// Text of any kind, JSON as its text, and a UUID in its usual lower-case form.
extension String: ColumnValue {
    public init(_ cell: Cell) throws(PostgresError) {
        switch cell.type {
        case TypeID.uuid:
            self = String.uuid(try cell.bytes(for: "String") { _ in true })
        case TypeID.jsonb:
            // `jsonb_send` puts a version number before the text.
            let bytes = try cell.bytes(for: "String") { _ in true }
            self = String(decoding: bytes.dropFirst(), as: UTF8.self)
        case _:
            self = String(
                decoding: try cell.bytes(for: "String", TypeID.isPlainText), as: UTF8.self)
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

/// A `bytea`, or text as its UTF-8.
extension Array: ColumnValue where Element == UInt8 {
    public init(_ cell: Cell) throws(PostgresError) {
        self = Array(
            try cell.bytes(for: "[UInt8]") { $0 == TypeID.bytea || TypeID.isPlainText($0) })
    }
}

/// `nil` for NULL.
extension Optional: ColumnValue where Wrapped: ColumnValue {
    public init(_ cell: Cell) throws(PostgresError) {
        self = cell.bytes == nil ? nil : try Wrapped(cell)
    }
}
