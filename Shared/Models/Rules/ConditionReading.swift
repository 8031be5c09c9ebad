import JSON

extension Condition {
    init?(reading reader: JSONReader, _ context: RuleReading) {
        let reader = reader.keyed(by: ConditionKey.self)
        let `operator` = Self.readOperator(reader)
        let field = Self.readField(reader, context, for: `operator`)
        let isCaseSensitive = reader.member(.caseSensitive).map { $0.bool() } ?? false
        let value = reader.member(.value)
        reader.refuseOthers()
        guard let `operator` else { return nil }
        if let field, let why = `operator`.question.problem(on: field, in: context.direction) {
            reader.problem("\(`operator`.name) \(why)", at: .operator)
        }
        let operand = OperandReader(reader: reader, value: value, context: context)
        guard let test = operand.test(`operator`.question), let field, let isCaseSensitive else {
            return nil
        }
        operand.checkVocabulary(of: field, test)
        self.init(
            field: field, test: test, isNegated: `operator`.isNegated,
            isCaseSensitive: isCaseSensitive)
    }

    private static func readOperator(_ reader: KeyedReader<ConditionKey>) -> Operator? {
        guard let member = reader.required(.operator), let name = member.string() else {
            return nil
        }
        if let found = Operator(name: name) { return found }
        let names = Operator.allCases.map(\.name).joined(separator: ", ")
        member.problem("\"\(name)\" is no operator; known: \(names)")
        return nil
    }

    /// The link operators imply their field; all others must name it.
    private static func readField(
        _ reader: KeyedReader<ConditionKey>, _ context: RuleReading, for operator: Operator?
    ) -> Field? {
        let family = `operator`?.question.family
        if family == .linkedIncidents, !reader.has(.field) {
            return checked(.fact(.linkIncidents), reader, context)
        }
        if family == .linkedRecords, !reader.has(.field) {
            return checked(.fact(.linkRecords), reader, context)
        }
        return reader.required(.field).flatMap { context.field($0) }
    }

    private static func checked(
        _ field: Field, _ reader: KeyedReader<ConditionKey>, _ context: RuleReading
    ) -> Field? {
        guard let why = field.problem(in: context.direction) else { return field }
        reader.problem(why, at: .operator)
        return nil
    }
}

/// Reads `value` as the operand that a question wants.
private struct OperandReader {
    let reader: KeyedReader<ConditionKey>
    let value: JSONReader?
    let context: RuleReading

    func test(_ question: Operator.Question) -> Test? {
        switch question {
        case .exists: none(.exists)
        case .isNull: none(.isNull)
        case .isEmpty: none(.isEmpty)
        case .isTrue: none(.isTrue)
        case .changed: none(.changed)
        case .increased: none(.increased)
        case .decreased: none(.decreased)
        case .hasLinkedIncident: none(.hasLinkedIncident)
        case .hasLinkedRecord: none(.hasLinkedRecord)
        case .equalsField: present.flatMap { context.field($0) }.map(Test.equalsField)
        case .equals: text().map(Test.equals)
        case .contains: text().map { .contains(FoldedText($0)) }
        case .startsWith: text().map { .startsWith(FoldedText($0)) }
        case .endsWith: text().map { .endsWith(FoldedText($0)) }
        case .isOneOf: texts().map(Test.isOneOf)
        case .matchesWildcard:
            text(bytesMax: RuleLimits.patternBytesMax).map(Test.matchesWildcard)
        case .matchesRegex: pattern().map(Test.matchesRegex)
        case .numberEquals: number().map(Test.numberEquals)
        case .greaterThan: number().map(Test.greaterThan)
        case .lessThan: number().map(Test.lessThan)
        case .numberBetween: pair(Self.number, <=).map { Test.numberBetween($0, $1) }
        case .before: date().map(Test.before)
        case .after: date().map(Test.after)
        case .dateBetween:
            pair(Self.date) { $0.first <= $1.last }.map { Test.dateBetween($0, $1) }
        case .withinLast: span().map(Test.withinLast)
        case .olderThan: span().map(Test.olderThan)
        case .withinNext: span().map(Test.withinNext)
        case .listContains: text().map(Test.listContains)
        case .containsAnyOf: texts().map(Test.containsAnyOf)
        case .containsAllOf: texts().map(Test.containsAllOf)
        case .countEquals: count().map(Test.countEquals)
        case .countAtLeast: count().map(Test.countAtLeast)
        case .countAtMost: count().map(Test.countAtMost)
        case .changedTo: scalar().map(Test.changedTo)
        case .changedFrom: scalar().map(Test.changedFrom)
        case .changedFromTo: scalars().map { Test.changedFromTo($0, $1) }
        case .linkedIncidentStatusIs: status().map(Test.linkedIncidentStatusIs)
        }
    }

    /// Refuses a value that no event can have: most are misspellings.
    func checkVocabulary(of field: Field, _ test: Test) {
        guard case .fact(let fact) = field, let known = fact.values else { return }
        guard test.question == .equals || test.question == .isOneOf else { return }
        let asked = test.operand?.array ?? [test.operand].compactMap { $0 }
        for word in asked.compactMap(\.string) where !known.contains(word) {
            let list = known.joined(separator: ", ")
            value?.problem("\"\(word)\" is no \(field.name); known: \(list)")
        }
    }

    private var present: JSONReader? {
        if let value { return value }
        reader.problem("is missing", at: .value)
        return nil
    }

    private func none(_ test: Test) -> Test? {
        guard reader.has(.value) else { return test }
        reader.problem("this operator takes no value", at: .value)
        return nil
    }

    private func text(bytesMax: Int = RuleLimits.textBytesMax) -> String? {
        present.flatMap { Self.text($0, bytesMax: bytesMax) }
    }

    private static func text(_ reader: JSONReader, bytesMax: Int) -> String? {
        guard let text = reader.string() else { return nil }
        guard text.utf8.count <= bytesMax else {
            reader.problem("must not be longer than \(bytesMax) bytes")
            return nil
        }
        return text
    }

    private func texts() -> [String]? {
        guard let present else { return nil }
        let elements = present.elements()
        guard (1...RuleLimits.choicesMax).contains(elements.count) else {
            if present.value.array != nil {
                present.problem("must have 1 to \(RuleLimits.choicesMax) elements")
            }
            return nil
        }
        let texts = elements.compactMap { Self.text($0, bytesMax: RuleLimits.textBytesMax) }
        return texts.count == elements.count ? texts : nil
    }

    private func pattern() -> String? {
        guard let pattern = text(bytesMax: RuleLimits.patternBytesMax) else { return nil }
        guard let why = context.patternProblem(pattern) else { return pattern }
        value?.problem("is no regular expression: \(why)")
        return nil
    }

    private func number() -> JSONNumber? { present.flatMap(Self.number) }

    private static func number(_ reader: JSONReader) -> JSONNumber? {
        if let number = reader.value.number { return number }
        reader.problem("must be a number")
        return nil
    }

    private func date() -> DateBound? { present.flatMap(Self.date) }

    private static func date(_ reader: JSONReader) -> DateBound? {
        guard let text = reader.string() else { return nil }
        if let bound = DateBound(text) { return bound }
        reader.problem("must be a date or date-time such as 2026-03-02 or 2026-03-02T09:15:04Z")
        return nil
    }

    /// `[low, high]`, in this order.
    private func pair<Bound>(
        _ bound: (JSONReader) -> Bound?, _ isInOrder: (Bound, Bound) -> Bool
    ) -> (Bound, Bound)? {
        guard let present else { return nil }
        let elements = present.elements()
        guard elements.count == 2 else {
            if present.value.array != nil { present.problem("must be [lowest, highest]") }
            return nil
        }
        guard let low = bound(elements[0]), let high = bound(elements[1]) else { return nil }
        guard isInOrder(low, high) else {
            present.problem("must be [lowest, highest], in this order")
            return nil
        }
        return (low, high)
    }

    private func span() -> Span? {
        guard let present, let text = present.string() else { return nil }
        if let span = Span(text) { return span }
        present.problem("must be a span of time such as 90s, 30m, 24h or 7d")
        return nil
    }

    private func count() -> Int? { present?.int(0...1_000_000) }

    private func status() -> Incident.Status? {
        guard let present, let text = present.string() else { return nil }
        if let status = Incident.Status(rawValue: text) { return status }
        let known = Incident.Status.allCases.map(\.rawValue).joined(separator: ", ")
        present.problem("must be one of \(known)")
        return nil
    }

    /// Null is a value here: it means cleared.
    private func scalar() -> JSON? {
        guard let written = reader.reader.value[ConditionKey.value.rawValue] else {
            return present?.value
        }
        return Self.scalar(written, at: value ?? reader.reader)
    }

    private func scalars() -> (JSON, JSON)? {
        guard let present else { return nil }
        guard let array = present.value.array, array.count == 2 else {
            present.problem("must be [old value, new value]")
            return nil
        }
        guard let old = Self.scalar(array[0], at: present),
            let new = Self.scalar(array[1], at: present)
        else { return nil }
        return (old, new)
    }

    private static func scalar(_ value: JSON, at reader: JSONReader) -> JSON? {
        switch value {
        case .null, .bool, .number: return value
        case .string(let text) where text.utf8.count <= RuleLimits.textBytesMax: return value
        case .string:
            reader.problem("must not be longer than \(RuleLimits.textBytesMax) bytes")
        case .array, .object: reader.problem("must be a text, a number, true, false or null")
        }
        return nil
    }
}
