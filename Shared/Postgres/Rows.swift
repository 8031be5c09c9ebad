import CPostgres

/// The result of one statement: its rows, and the number of rows that it changed.
public struct Rows: Sendable, RandomAccessCollection {
    let result: ResultHandle
    public var startIndex: Int { 0 }
    public let endIndex: Int

    init(_ result: ResultHandle) {
        self.result = result
        endIndex = Int(PQntuples(result.pointer))
    }

    public subscript(position: Int) -> Row {
        Row(result: result, number: Int32(position))
    }

    /// The number of rows that an `INSERT`, `UPDATE` or `DELETE` changed or a `SELECT` returned.
    public var affected: Int {
        PQcmdTuples(result.pointer).flatMap { Int(String(cString: $0)) } ?? 0
    }

    /// The server's name for the result: `COMMIT`, `INSERT 0 3`, ...
    var tag: String {
        PQcmdStatus(result.pointer).map { String(cString: $0) } ?? ""
    }

    /// Every row as a tuple of these types, in the order of the columns.
    public func decoded<each Column: ColumnValue>(
        _ columns: repeat (each Column).Type
    ) throws(PostgresError) -> [(repeat each Column)] {
        var decoded: [(repeat each Column)] = []
        decoded.reserveCapacity(count)
        for row in self {
            decoded.append(try row.decoded(repeat each columns))
        }
        return decoded
    }

    /// The only column of every row.
    public func decoded<Column: ColumnValue>(
        _ column: Column.Type
    ) throws(PostgresError) -> [Column] {
        var decoded: [Column] = []
        decoded.reserveCapacity(count)
        for row in self { decoded.append(try row.decoded(column)) }
        return decoded
    }
}

/// One row of a result.
public struct Row: Sendable {
    let result: ResultHandle
    let number: Int32

    /// The row as a tuple of these types, in the order of the columns.
    public func decoded<each Column: ColumnValue>(
        _ columns: repeat (each Column).Type
    ) throws(PostgresError) -> (repeat each Column) {
        var reader = self.reader
        let values = (repeat try reader.next((each Column).self))
        try reader.end()
        return values
    }

    /// The only column.
    public func decoded<Column: ColumnValue>(
        _ column: Column.Type
    ) throws(PostgresError) -> Column {
        var reader = self.reader
        let value = try reader.next(column)
        try reader.end()
        return value
    }

    /// Reads a row of many columns, each into a variable of its own.
    public var reader: RowReader { RowReader(self) }

    fileprivate func cell(_ column: Int32) throws(PostgresError) -> Cell {
        guard column < PQnfields(result.pointer) else {
            throw .row("there is no column \(column)")
        }
        let type = PQftype(result.pointer, column)
        guard PQgetisnull(result.pointer, number, column) == 0,
            let start = PQgetvalue(result.pointer, number, column)
        else { return Cell(column: column, type: type, bytes: nil, owner: result) }
        let length = Int(PQgetlength(result.pointer, number, column))
        let bytes = UnsafeRawBufferPointer(start: start, count: length)
        return Cell(column: column, type: type, bytes: bytes, owner: result)
    }
}

/// Takes the columns of a row one after the other.
public struct RowReader {
    private let row: Row
    private var column: Int32 = 0

    fileprivate init(_ row: Row) {
        self.row = row
    }

    public mutating func next<Column: ColumnValue>(
        _: Column.Type = Column.self
    ) throws(PostgresError) -> Column {
        defer { column += 1 }
        return try Column(row.cell(column))
    }

    /// Passes over columns that are not needed.
    public mutating func skip(_ columns: Int32) { column += columns }

    /// - Throws: if there are more columns.
    public func end() throws(PostgresError) {
        let found = PQnfields(row.result.pointer)
        guard column == found else { throw .row("\(column) columns expected, \(found) found") }
    }
}

/// Owns a result of libpq. It is sendable because a received `PGresult` never changes.
final class ResultHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit {
        PQclear(pointer)
    }
}
