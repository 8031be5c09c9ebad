import JSON
import Models

/// A query, whose values are escaped and whose names are checked by being built.
public struct SOQL: Hashable, Sendable, CustomStringConvertible {
    public let text: String
    public var description: String { text }

    public enum Direction: String, Sendable { case ascending = "ASC", descending = "DESC" }

    public struct Order: Hashable, Sendable {
        public var field: String
        public var direction: Direction

        public init(_ field: String, _ direction: Direction = .ascending) {
            self.field = field
            self.direction = direction
        }
    }

    public init(
        select fields: [String], from object: String, where condition: Condition? = nil,
        orderBy order: [Order] = [], limit: Int? = nil
    ) throws(Failure) {
        guard !fields.isEmpty else { throw .refused("query", "a query selects a field at least") }
        for field in fields { _ = try APIName.checked(path: field) }
        var clauses = ["SELECT \(fields.joined(separator: ", "))"]
        clauses.append("FROM \(try APIName.checked(object))")
        if let condition { clauses.append("WHERE \(try condition.text())") }
        var orders: [String] = []
        for item in order {
            orders.append("\(try APIName.checked(path: item.field)) \(item.direction.rawValue)")
        }
        if !orders.isEmpty { clauses.append("ORDER BY \(orders.joined(separator: ", "))") }
        if let limit { clauses.append("LIMIT \(max(1, limit))") }
        text = clauses.joined(separator: " ")
    }

    public enum Operator: String, Sendable {
        case equal = "="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
    }

    public indirect enum Condition: Hashable, Sendable {
        case compare(String, Operator, Value)
        case isIn(String, [Value])
        /// The text anywhere in the field; wildcards in it stand for themselves.
        case contains(String, String)
        case all([Condition])
        case any([Condition])

        public static func equal(_ field: String, _ value: Value) -> Condition {
            .compare(field, .equal, value)
        }

        func text() throws(Failure) -> String {
            switch self {
            case .compare(let field, let sign, let value):
                return "\(try APIName.checked(path: field)) \(sign.rawValue) \(value.text)"
            case .isIn(let field, let values):
                guard !values.isEmpty else { throw .refused("query", "IN needs a value") }
                let list = values.map(\.text).joined(separator: ", ")
                return "\(try APIName.checked(path: field)) IN (\(list))"
            case .contains(let field, let text):
                let pattern = SOQL.escaped(text, isPattern: true)
                return "\(try APIName.checked(path: field)) LIKE '%\(pattern)%'"
            case .all(let conditions): return try Self.joined(conditions, " AND ")
            case .any(let conditions): return try Self.joined(conditions, " OR ")
            }
        }

        private static func joined(
            _ conditions: [Condition], _ word: String
        ) throws(Failure) -> String {
            guard !conditions.isEmpty else { throw .refused("query", "a group needs a condition") }
            var texts: [String] = []
            for condition in conditions { texts.append(try condition.text()) }
            return "(\(texts.joined(separator: word)))"
        }
    }

    public enum Value: Hashable, Sendable {
        case null
        case bool(Bool)
        case string(String)
        case number(JSONNumber)
        case date(Timestamp)
        case dateTime(Timestamp)
        case id(RecordID)

        var text: String {
            switch self {
            case .null: "null"
            case .bool(let value): value ? "true" : "false"
            case .string(let value): "'\(SOQL.escaped(value))'"
            case .number(let value): value.literal
            case .date(let value): String(value.iso8601.prefix(10))
            case .dateTime(let value): value.iso8601
            case .id(let value): "'\(value.long)'"
            }
        }
    }

    /// Between single quotes (`reference/salesforce.md` 2.8).
    static func escaped(_ text: String, isPattern: Bool = false) -> String {
        var output = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\", "'", "\"": output += "\\\(scalar)"
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            case "\u{8}": output += "\\b"
            case "\u{C}": output += "\\f"
            case "%" where isPattern, "_" where isPattern: output += "\\\(scalar)"
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }
}

extension Salesforce {
    public struct QueryResult: Hashable, Sendable {
        public var records: [JSONObject]
        /// How many there are, which may be more than were read.
        public var totalSize: Int
        public var isComplete: Bool
    }

    /// Reads page after page until there is no more, or `recordsMax` are read.
    public func query(
        _ query: SOQL, recordsMax: Int = 2000
    ) async throws(Failure) -> Reply<QueryResult> {
        var result = QueryResult(records: [], totalSize: 0, isComplete: false)
        var budget: APIUsage?
        var next: Call? = .get(path("/query"), query: [("q", query.text)])
        while let call = next {
            let answer = try await perform(call)
            let page = try Self.reply(from: answer, isWrite: false, reading: Page.init)
            result.records += page.value.records
            result.totalSize = page.value.totalSize
            result.isComplete = page.value.next == nil
            budget = page.budget
            next = result.records.count < recordsMax ? page.value.next.map { .get($0) } : nil
        }
        if result.records.count > recordsMax {
            result.records = Array(result.records.prefix(recordsMax))
            result.isComplete = false
        }
        return Reply(result, budget: budget)
    }

    private struct Page {
        var records: [JSONObject]
        var totalSize: Int
        /// A path; anything else than one of the API's is refused.
        var next: String?

        init?(_ json: JSON) {
            guard let records = json["records"]?.array, let done = json["done"]?.bool else {
                return nil
            }
            self.records = records.compactMap(\.object)
            totalSize = json["totalSize"]?.int ?? records.count
            if done { return }
            guard let next = json["nextRecordsUrl"]?.string, next.hasPrefix("/services/data/"),
                next.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
            else { return nil }
            self.next = next
        }
    }
}
