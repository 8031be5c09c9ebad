import JSON
import Models

/// A query. Its initialiser checks the names and escapes the values.
public struct SOQL: Hashable, Sendable, CustomStringConvertible {
    public let text: String
    public var description: String { text }

    public init(
        select fields: [String], from object: String, where condition: SOQLCondition? = nil,
        orderBy order: [SOQLOrder] = [], limit: Int? = nil
    ) throws(Failure) {
        guard !fields.isEmpty else { throw .refused("query", "a query selects at least one field") }
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

    /// The text as it stands between single quotes (Salesforce.md 19).
    static func escaped(_ text: String) -> String {
        var output = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\", "'", "\"": output += "\\\(scalar)"
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            case "\u{8}": output += "\\b"
            case "\u{C}": output += "\\f"
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }
}

/// A field by which the records of a query are ordered.
public struct SOQLOrder: Hashable, Sendable {
    public enum SortDirection: String, Sendable { case ascending = "ASC", descending = "DESC" }

    public var field: String
    public var direction: SortDirection

    public init(_ field: String, _ direction: SortDirection = .ascending) {
        self.field = field
        self.direction = direction
    }
}

/// A condition that the records of a query meet.
public struct SOQLCondition: Hashable, Sendable {
    var field: String
    var value: SOQLValue

    public static func equal(_ field: String, _ value: SOQLValue) -> SOQLCondition {
        SOQLCondition(field: field, value: value)
    }

    func text() throws(Failure) -> String {
        "\(try APIName.checked(path: field)) = \(value.text)"
    }
}

public enum SOQLValue: Hashable, Sendable {
    case string(String)
    case id(RecordID)

    var text: String {
        switch self {
        case .string(let value): "'\(SOQL.escaped(value))'"
        case .id(let value): "'\(value.long)'"
        }
    }
}

extension Salesforce {
    /// Reads page after page until the last one, or until `recordsMax` records are read.
    public func query(
        _ query: SOQL, recordsMax: Int = 2000
    ) async throws(Failure) -> [JSONObject] {
        var records: [JSONObject] = []
        var next: Call? = .get(path("/query"), query: [("q", query.text)])
        while let call = next {
            let page = try await reply(to: call, reading: ResultPage.init)
            records += page.records
            next = records.count < recordsMax ? page.next.map { .get($0) } : nil
        }
        return Array(records.prefix(recordsMax))
    }

    private struct ResultPage {
        var records: [JSONObject]
        /// The path of the next page. Anything but a path of the API is refused.
        var next: String?

        init?(_ json: JSON) {
            guard let records = json["records"]?.array, let done = json["done"]?.bool else {
                return nil
            }
            self.records = records.compactMap(\.object)
            if done { return }
            guard let next = json["nextRecordsUrl"]?.string, next.hasPrefix("/services/data/"),
                next.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
            else { return nil }
            self.next = next
        }
    }
}
