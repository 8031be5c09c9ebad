import HTTP
import JSON
import Models

extension SalesforceOrg {
    static let pageSizeDefault = 2_000
    static let cursorsMax = 10

    mutating func query(_ call: SalesforceCall) throws(SalesforceError) -> HTTPResponse {
        guard let text = call.call.query["q"] else {
            throw .malformedQuery("SOQL statements cannot be empty or null")
        }
        let query = try ParsedSOQL(text)
        guard let type = try? type(query.object) else { throw Self.unknownObject(query) }
        let run = QueryRun(org: self, query: query, type: type, version: call.version)
        let found = try run.matches()
        if case .count = query.selection {
            return .json(200, ["totalSize": JSON(found.count), "done": true, "records": []])
        }
        return page(try found.map(run.view), from: 0, locator: nil, call)
    }

    /// The rest of an answer that did not fit.
    func nextPage(_ call: SalesforceCall, _ name: String) throws(SalesforceError) -> HTTPResponse {
        let parts = name.split(separator: "-")
        guard parts.count == 2, let start = Int(parts[1]),
            let cursor = cursors.first(where: { $0.locator == parts[0] }),
            cursor.rows.indices.contains(start)
        else { throw SalesforceError(400, "INVALID_QUERY_LOCATOR", "invalid query locator") }
        return answer(cursor.rows, from: start, locator: cursor.locator, call)
    }

    private mutating func page(
        _ rows: [JSON], from start: Int, locator: String?, _ call: SalesforceCall
    ) -> HTTPResponse {
        guard rows.count > Self.pageSize(call) else {
            return answer(rows, from: start, locator: "", call)
        }
        let locator = "01g\(ids.hexadecimal(15))"
        cursors.append((locator, rows))
        if cursors.count > Self.cursorsMax { cursors.removeFirst() }
        return answer(rows, from: start, locator: locator, call)
    }

    private func answer(
        _ rows: [JSON], from start: Int, locator: String, _ call: SalesforceCall
    ) -> HTTPResponse {
        let end = min(rows.count, start + Self.pageSize(call))
        var body: JSON = ["totalSize": JSON(rows.count), "done": .bool(end == rows.count)]
        if end < rows.count {
            let next = "/services/data/\(call.version)/query/\(locator)-\(end)"
            body = body.with(["nextRecordsUrl": .string(next)])
        }
        return .json(200, body.with(["records": .array(Array(rows[start..<end]))]))
    }

    /// `Sforce-Query-Options: batchSize=200`.
    private static func pageSize(_ call: SalesforceCall) -> Int {
        let option = call.call.headers["Sforce-Query-Options"]?.split(separator: "=")
        guard let option, option.count == 2, let size = Int(option[1].filter { $0 != " " }) else {
            return pageSizeDefault
        }
        return min(2_000, max(200, size))
    }

    private static func unknownObject(_ query: ParsedSOQL) -> SalesforceError {
        SalesforceError(
            400, "INVALID_TYPE",
            "\(query.pointer(at: query.objectPosition))sObject type '\(query.object)' is not "
                + "supported. If you are attempting to use a custom object, be sure to append the "
                + "'__c' after the entity name. Please reference your WSDL or the describe call "
                + "for the appropriate names.")
    }
}

/// One query against the organisation.
private struct QueryRun {
    let org: SalesforceOrg
    let query: ParsedSOQL
    let type: ObjectType
    let version: String

    func matches() throws(SalesforceError) -> [SandboxRecord] {
        var found: [SandboxRecord] = []
        for record in candidates() {
            guard let condition = query.condition else {
                found.append(record)
                continue
            }
            if try holds(condition, record) { found.append(record) }
        }
        if !query.order.isEmpty { found = try sorted(found) }
        if case .all = query.selection, (query.limit ?? .max) > 200 {
            throw .malformedQuery("The SOQL FIELDS function must have a LIMIT of at most 200")
        }
        return Array(found.dropFirst(query.offset).prefix(query.limit ?? .max))
    }

    /// Every row, or the few that an indexed field names.
    private func candidates() -> [SandboxRecord] {
        guard let table = org.tables[type.name] else { return [] }
        if case .compare(let path, .equal, .text(let value)) = query.condition,
            path.names.count == 1, let field = type.field(path.names[0]), field.isExternalID
        {
            return table.find(field, .string(value)).compactMap { table[$0] }
        }
        return Array(table.all)
    }

    private func sorted(_ records: [SandboxRecord]) throws(SalesforceError) -> [SandboxRecord] {
        var keyed: [(record: SandboxRecord, keys: [JSON])] = []
        for record in records {
            let keys = try query.order.map { (order) throws(SalesforceError) in
                try value(order.field, record).value
            }
            keyed.append((record, keys))
        }
        let order = query.order
        keyed.sort { a, b in
            for (rule, (left, right)) in zip(order, zip(a.keys, b.keys)) where left != right {
                if left.isNull || right.isNull { return left.isNull != rule.nullsLast }
                return Self.isLess(left, right) != rule.isDescending
            }
            return false
        }
        return keyed.map(\.record)
    }

    private static func isLess(_ a: JSON, _ b: JSON) -> Bool {
        if let a = a.number, let b = b.number { return a < b }
        return (a.string ?? a.text).lowercased() < (b.string ?? b.text).lowercased()
    }

    /// Follows the relationships; a missing parent is a null value.
    private func value(
        _ path: ParsedSOQL.FieldPath, _ record: SandboxRecord
    ) throws(SalesforceError) -> (value: JSON, field: ObjectField) {
        var type = type
        var row: SandboxRecord? = record
        for name in path.names.dropLast() {
            guard let link = type.relationship(name) else { throw unknown(path, name, type) }
            let target = row?[link.name].string.flatMap { RecordID($0) }
            let parents = link.referenceTo.compactMap { org.types[$0] }
            guard
                let parent = parents.first(where: { $0.keyPrefix == target?.keyPrefix })
                    ?? parents.last
            else { throw unknown(path, name, type) }
            row = target.flatMap { org.tables[parent.name]?[$0] }
            type = parent
        }
        let name = path.names.last ?? ""
        guard let field = type.field(name) else { throw unknown(path, name, type) }
        return (row?[field.name] ?? .null, field)
    }

    private func unknown(
        _ path: ParsedSOQL.FieldPath, _ name: String, _ type: ObjectType
    ) -> SalesforceError {
        SalesforceError(
            400, "INVALID_FIELD",
            "\(query.pointer(at: path.position))No such column '\(name)' on entity '\(type.name)'. "
                + "If you are attempting to use a custom field, be sure to append the '__c' after "
                + "the custom field name. Please reference your WSDL or the describe call for the "
                + "appropriate names.")
    }

    func view(_ record: SandboxRecord) throws(SalesforceError) -> JSON {
        var view: JSON = ["attributes": org.attributes(of: record.id, type, version: version)]
        switch query.selection {
        case .count: break
        case .all:
            for field in type.fields { view = view.with([field.name: record[field.name]]) }
        case .fields(let paths):
            for path in paths {
                let (value, field) = try value(path, record)
                view = Self.set(value, at: path.names.dropLast() + [field.name], in: view)
            }
        }
        return view
    }

    private static func set(_ value: JSON, at names: [String], in object: JSON) -> JSON {
        guard let first = names.first else { return value }
        guard names.count > 1 else { return object.with([first: value]) }
        let inner = object.present(first) ?? [:]
        return object.with([first: set(value, at: Array(names.dropFirst()), in: inner)])
    }
}

extension QueryRun {
    private func holds(
        _ condition: ParsedCondition, _ record: SandboxRecord
    ) throws(SalesforceError) -> Bool {
        switch condition {
        case .all(let parts):
            for part in parts where try !holds(part, record) { return false }
            return true
        case .any(let parts):
            for part in parts where try holds(part, record) { return true }
            return false
        case .not(let part): return try !holds(part, record)
        case .member(let path, let isNegated, let literals):
            let (value, field) = try value(path, record)
            for literal in literals where try compare(value, .equal, literal, field) {
                return !isNegated
            }
            return isNegated
        case .compare(let path, let comparison, let literal):
            let (value, field) = try value(path, record)
            return try compare(value, comparison, literal, field)
        }
    }

    private func compare(
        _ value: JSON, _ comparison: ParsedSOQL.Comparison, _ literal: ParsedSOQL.Literal,
        _ field: ObjectField
    ) throws(SalesforceError) -> Bool {
        switch literal {
        case .null:
            switch comparison {
            case .equal: return value.isNull
            case .notEqual: return !value.isNull
            case .less, .lessOrEqual, .greater, .greaterOrEqual, .like: return false
            }
        case .bool(let flag):
            guard field.kind == .boolean else { throw mismatch(field) }
            return (value.bool == flag) == (comparison == .equal)
        case .text(let text):
            guard field.takesText else { throw mismatch(field) }
            return Self.compare(value.string, comparison, text, field)
        case .bare(let text):
            guard let right = field.ordinal(.string(text)) else { throw mismatch(field) }
            guard let left = field.ordinal(value) else { return comparison == .notEqual }
            return Self.compare(left, comparison, right)
        }
    }

    private func mismatch(_ field: ObjectField) -> SalesforceError {
        SalesforceError(
            400, "INVALID_FIELD",
            "value of filter criterion for field '\(field.name)' must be of type "
                + "\(field.kind.rawValue)")
    }

    private static func compare(
        _ left: String?, _ comparison: ParsedSOQL.Comparison, _ right: String, _ field: ObjectField
    ) -> Bool {
        if field.kind == .id || field.kind == .reference {
            let isSame = left.flatMap { RecordID($0) } == RecordID(right)
            return comparison == .notEqual ? !isSame : comparison == .equal && isSame
        }
        let fold = { (text: String) in field.isCaseSensitive ? text : text.lowercased() }
        if comparison == .like { return left.map { isLike(fold($0), fold(right)) } ?? false }
        let plain = right.replacing("\\%", with: "%").replacing("\\_", with: "_")
        guard let left else {
            return comparison == .notEqual || plain.isEmpty && comparison == .equal
        }
        return compare(fold(left), comparison, fold(plain))
    }

    private static func compare<Value: Comparable>(
        _ left: Value, _ comparison: ParsedSOQL.Comparison, _ right: Value
    ) -> Bool {
        switch comparison {
        case .equal: left == right
        case .notEqual: left != right
        case .less: left < right
        case .lessOrEqual: left <= right
        case .greater: left > right
        case .greaterOrEqual: left >= right
        case .like: false
        }
    }

    /// `%` is any text, `_` one character. Linear per `%`: the last one is retried, no recursion.
    private static func isLike(_ text: String, _ pattern: String) -> Bool {
        let (text, pattern) = (Array(text), likeSteps(pattern))
        var (t, p) = (0, 0)
        var retry: (t: Int, p: Int)?
        while t < text.count {
            if p < pattern.count, case .anyText = pattern[p] {
                retry = (t, p)
                p += 1
            } else if p < pattern.count, pattern[p].admits(text[t]) {
                t += 1
                p += 1
            } else if let last = retry {
                retry = (last.t + 1, last.p)
                (t, p) = (last.t + 1, last.p + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { if case .anyText = $0 { true } else { false } }
    }

    private enum LikeStep {
        case anyText, anyCharacter
        case character(Character)

        func admits(_ other: Character) -> Bool {
            switch self {
            case .anyText: false
            case .anyCharacter: true
            case .character(let own): own == other
            }
        }
    }

    private static func likeSteps(_ pattern: String) -> [LikeStep] {
        var steps: [LikeStep] = []
        var isEscaped = false
        for character in pattern {
            switch (isEscaped, character) {
            case (false, "\\"):
                isEscaped = true
                continue
            case (false, "%"): steps.append(.anyText)
            case (false, "_"): steps.append(.anyCharacter)
            case (_, _): steps.append(.character(character))
            }
            isEscaped = false
        }
        return steps
    }
}

extension ObjectField {
    fileprivate var takesText: Bool {
        switch kind {
        case .id, .string, .picklist, .multipicklist, .reference, .textarea, .phone, .email, .url:
            true
        case .boolean, .int, .double, .currency, .percent, .date, .datetime: false
        }
    }

    /// The sort key of a number, a day or a moment.
    fileprivate func ordinal(_ value: JSON) -> Double? {
        switch kind {
        case .int, .double, .currency, .percent:
            value.number?.double ?? value.string.flatMap(Double.init)
        case .date, .datetime:
            value.string.flatMap { Timestamp($0) }.map { Double($0.milliseconds) }
        case .id, .string, .boolean, .picklist, .multipicklist, .reference, .textarea, .phone,
            .email, .url:
            nil
        }
    }
}
