import Models
import Postgres

/// Numeric identifiers go to the database and come from it as the integers that they are.
extension NumericIdentifier where RawValue: Bindable & ColumnValue {
    public static var elementType: UInt32 { RawValue.elementType }
    public static var arrayType: UInt32 { RawValue.arrayType }
    public func encode(into bytes: inout [UInt8]) { rawValue.encode(into: &bytes) }
    public init(_ cell: Cell) throws(PostgresError) { self.init(rawValue: try RawValue(cell)) }
}

extension LaneID: Bindable, ColumnValue {}
extension Segment: Bindable, ColumnValue {}
extension ConfigurationVersion: Bindable, ColumnValue {}
extension WorkerID: Bindable, ColumnValue {}
