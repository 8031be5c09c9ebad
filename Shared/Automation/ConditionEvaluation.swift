import JSON
import Models

/// Compiled regular expressions by their text and case rule.
struct PatternKey: Hashable {
    let pattern: String
    let isCaseSensitive: Bool

    init(_ pattern: String, of condition: Condition) {
        self.pattern = pattern
        isCaseSensitive = condition.isCaseSensitive
    }
}

typealias Patterns = [PatternKey: Result<Pattern, PatternError>]

/// Evaluates conditions for one rule and one event.
struct ConditionEvaluation {
    let scope: RuleScope
    let patterns: Patterns

    func trace(_ tree: ConditionTree) -> Trace {
        switch tree {
        case .all(let children): group(.all, children)
        case .any(let children): group(.any, children)
        case .none(let children): group(.none, children)
        case .always: .always
        case .condition(let condition): .condition(trace(condition))
        }
    }

    /// The verdict of `trace` without the reasons, at a fraction of its cost.
    func verdict(_ tree: ConditionTree) -> Verdict {
        switch tree {
        case .all(let children): Verdict(of: .all, children.lazy.map(verdict))
        case .any(let children): Verdict(of: .any, children.lazy.map(verdict))
        case .none(let children): Verdict(of: .none, children.lazy.map(verdict))
        case .always: .yes
        case .condition(let condition): verdict(condition)
        }
    }

    private func group(_ group: Trace.Group, _ children: [ConditionTree]) -> Trace {
        let traces = children.map(trace)
        return .group(group, Verdict(of: group, traces.map(\.verdict)), traces)
    }

    private func trace(_ condition: Condition) -> ConditionTrace {
        let left: JSON? =
            switch scope.value(of: condition.field) {
            case .known(let value): value
            case .missing, .unreadable, .unfetched: nil
            }
        return ConditionTrace(
            condition: condition, left: left, old: scope.oldValue(of: condition.field),
            right: right(condition.test), verdict: verdict(condition))
    }

    private func right(_ test: Test) -> JSON? {
        guard case .equalsField(let field) = test else { return test.operand }
        guard case .known(let value) = scope.value(of: field) else { return nil }
        return value
    }

    func verdict(_ condition: Condition) -> Verdict {
        do {
            return try holds(condition) != condition.isNegated ? .yes : .no
        } catch {
            return error.verdict
        }
    }
}

extension Verdict {
    /// Kleene's three-valued logic, with the third value in two kinds: a condition on facts that
    /// can still be fetched may become either, one that cannot be evaluated never becomes true. An
    /// empty group does not hold. The evaluation stops at the first verdict that decides.
    init(of group: Trace.Group, _ verdicts: some Sequence<Verdict>) {
        var isEmpty = true
        var isUnfetched = false
        var obstacle: Verdict?
        for verdict in verdicts {
            isEmpty = false
            switch verdict {
            case .yes where group != .all:
                self = group == .any ? .yes : .no
                return
            case .no where group == .all:
                self = .no
                return
            case .yes, .no: break
            case .notEvaluable: obstacle = obstacle ?? verdict
            case .unfetched: isUnfetched = true
            }
        }
        // A condition of `any` that can still come true outweighs one that cannot.
        if group == .any, isUnfetched {
            self = .unfetched
        } else if let obstacle {
            self = obstacle
        } else if isUnfetched {
            self = .unfetched
        } else {
            self = isEmpty || group == .any ? .no : .yes
        }
    }
}

/// The reason for which a question has no answer.
private struct Unanswerable: Error {
    let verdict: Verdict

    init(_ reason: String) { verdict = .notEvaluable(reason) }
    static let unfetched = Unanswerable(verdict: .unfetched)
    private init(verdict: Verdict) { self.verdict = verdict }
}

extension ConditionEvaluation {
    private func holds(_ condition: Condition) throws(Unanswerable) -> Bool {
        let isCaseSensitive = condition.isCaseSensitive
        var it: ComparedValue { ComparedValue(scope.value(of: condition.field), isCaseSensitive) }
        switch condition.test {
        case .exists: return try it.exists()
        case .isNull: return try it.known().isNull
        case .isEmpty: return try it.isEmpty()
        case .equalsField(let other): return try it.equals(scope.value(of: other))
        case .equals(let text): return it.same(try it.text(), text)
        case .isOneOf(let texts): return it.isIn(texts, try it.text())
        case .contains(let part):
            return try text(condition).holds(part.form(caseSensitive: isCaseSensitive))
        case .startsWith(let part):
            return try text(condition).hasPrefix(part.form(caseSensitive: isCaseSensitive))
        case .endsWith(let part):
            return try text(condition).hasSuffix(part.form(caseSensitive: isCaseSensitive))
        case .matchesWildcard(let pattern):
            let folded = isCaseSensitive ? pattern : pattern.lowercased()
            return try matches(wildcard: folded, try text(condition))
        case .matchesRegex(let pattern):
            return try matches(PatternKey(pattern, of: condition), try it.text())
        case .numberEquals(let number): return try it.number() == number
        case .greaterThan(let number): return try it.number() > number
        case .lessThan(let number): return try it.number() < number
        case .numberBetween(let low, let high): return (low...high).contains(try it.number())
        case .before(let bound): return try it.moment() < bound.first
        case .after(let bound): return try it.moment() > bound.last
        case .dateBetween(let low, let high):
            return (low.first...high.last).contains(try it.moment())
        case .withinLast(let span): return span.covers(try age(it))
        case .olderThan(let span): return try age(it) > span.milliseconds
        case .withinNext(let span): return span.covers(-(try age(it)))
        case .isTrue: return try it.bool()
        case .listContains(let text): return it.isIn(try it.list(), text)
        case .containsAnyOf(let texts):
            let list = try it.list()
            return texts.contains { it.isIn(list, $0) }
        case .containsAllOf(let texts):
            let list = try it.list()
            return texts.allSatisfy { it.isIn(list, $0) }
        case .countEquals(let count): return try it.list().count == count
        case .countAtLeast(let count): return try it.list().count >= count
        case .countAtMost(let count): return try it.list().count <= count
        case .changed: return try changed(condition)
        case .changedTo(let new): return try changed(condition, to: new)
        case .changedFrom(let old): return try changed(condition, from: old)
        case .changedFromTo(let old, let new): return try changed(condition, from: old, to: new)
        case .increased: return try trend(of: condition) == .increased
        case .decreased: return try trend(of: condition) == .decreased
        case .hasLinkedIncident, .hasLinkedRecord: return try it.number() > JSONNumber(0)
        case .linkedIncidentStatusIs(let status): return try anyLinkedIncident(has: status)
        }
    }

    /// The field's text in the form in which it is compared.
    private func text(_ condition: Condition) throws(Unanswerable) -> String {
        let isCaseSensitive = condition.isCaseSensitive
        if let known = scope.context.texts[condition.field] {
            return known.form(caseSensitive: isCaseSensitive)
        }
        let value = scope.value(of: condition.field)
        let text = FoldedText(try ComparedValue(value, isCaseSensitive).text())
        if scope.isShared(condition.field) { scope.context.texts[condition.field] = text }
        return text.form(caseSensitive: isCaseSensitive)
    }

    private func matches(
        wildcard pattern: String, _ text: String
    ) throws(Unanswerable) -> Bool {
        guard let answer = Wildcard.matches(pattern, text) else {
            throw Unanswerable("the comparison met its step limit")
        }
        return answer
    }

    private func matches(_ key: PatternKey, _ text: String) throws(Unanswerable) -> Bool {
        switch patterns[key] {
        case nil: throw Unanswerable("the regular expression was not compiled")
        case .failure(let error)?:
            throw Unanswerable("the regular expression is invalid: \(error)")
        case .success(let pattern)?:
            switch pattern.search(text) {
            case .found: return true
            case .absent: return false
            case .limit(let limit):
                throw Unanswerable("the regular expression met its \(limit) limit")
            }
        }
    }

    /// The milliseconds since the time; negative if it lies ahead.
    private func age(_ value: ComparedValue) throws(Unanswerable) -> Int64 {
        scope.context.now.milliseconds - (try value.moment()).milliseconds
    }

    private typealias Change = (isChange: Bool, old: JSON, new: JSON)

    /// An echo of our own write is no change.
    private func change(of condition: Condition) throws(Unanswerable) -> Change {
        guard case .record(let name) = condition.field,
            let record = scope.context.facts.event.record
        else { throw Unanswerable("only a record's change has old values") }
        guard let old = record.old, let changed = scope.context.changedFields else {
            throw Unanswerable("the event carries no old values")
        }
        return (changed.contains(name.lowercased()), old[name], record.new[name])
    }

    private func changed(
        _ condition: Condition, from old: JSON? = nil, to new: JSON? = nil
    ) throws(Unanswerable) -> Bool {
        let change = try change(of: condition)
        func isSame(_ value: JSON, _ asked: JSON?) -> Bool {
            asked.map {
                ValueReading.areEqual(value, $0, caseSensitive: condition.isCaseSensitive)
            } ?? true
        }
        return change.isChange && isSame(change.old, old) && isSame(change.new, new)
    }

    private enum Trend { case increased, decreased, unchanged }

    private func trend(of condition: Condition) throws(Unanswerable) -> Trend {
        let change = try change(of: condition)
        guard change.isChange else { return .unchanged }
        if let old = ValueReading.number(change.old), let new = ValueReading.number(change.new) {
            return old < new ? .increased : .decreased
        }
        if let old = ValueReading.moment(change.old), let new = ValueReading.moment(change.new) {
            return old < new ? .increased : .decreased
        }
        throw Unanswerable("the values before and after are not both numbers or both date-times")
    }

    private func anyLinkedIncident(
        has status: Incident.Status
    ) throws(Unanswerable) -> Bool {
        let linked = scope.context.linkedIncidents
        let known = linked.compactMap { scope.context.facts.incidents[$0]?.status }
        if known.contains(status) { return true }
        if known.count < linked.count { throw .unfetched }
        return false
    }
}

/// A field's value, read as the type that the operator compares.
private struct ComparedValue {
    let value: FieldValue
    let isCaseSensitive: Bool

    init(_ value: FieldValue, _ isCaseSensitive: Bool) {
        self.value = value
        self.isCaseSensitive = isCaseSensitive
    }

    func exists() throws(Unanswerable) -> Bool {
        switch value {
        case .known(let value): return !value.isNull
        case .missing: return false
        case .unreadable(let reason): throw Unanswerable(reason)
        case .unfetched: throw .unfetched
        }
    }

    func equals(_ other: FieldValue) throws(Unanswerable) -> Bool {
        let other = try ComparedValue(other, isCaseSensitive).known()
        return ValueReading.areEqual(try known(), other, caseSensitive: isCaseSensitive)
    }

    func known() throws(Unanswerable) -> JSON {
        switch value {
        case .known(let value): return value
        case .missing(let reason), .unreadable(let reason): throw Unanswerable(reason)
        case .unfetched: throw .unfetched
        }
    }

    func isEmpty() throws(Unanswerable) -> Bool {
        let value = try known()
        return ValueReading.isBlank(value) || value.array?.isEmpty == true
    }

    func same(_ a: String, _ b: String) -> Bool {
        ValueReading.areSame(a, b, caseSensitive: isCaseSensitive)
    }

    func isIn(_ texts: [String], _ text: String) -> Bool { texts.contains { same($0, text) } }

    func text() throws(Unanswerable) -> String { try read(ValueReading.text, "a text") }
    func list() throws(Unanswerable) -> [String] { try read(ValueReading.list, "a list") }
    func number() throws(Unanswerable) -> JSONNumber { try read(ValueReading.number, "a number") }
    func moment() throws(Unanswerable) -> Timestamp { try read(ValueReading.moment, "a date-time") }
    func bool() throws(Unanswerable) -> Bool { try read(ValueReading.bool, "true or false") }

    private func read<Read>(
        _ read: (JSON) -> Read?, _ type: String
    ) throws(Unanswerable) -> Read {
        let value = try known()
        guard let read = read(value) else {
            throw Unanswerable(value.isNull ? "the value is null" : "the value is not \(type)")
        }
        return read
    }
}

extension Span {
    fileprivate var milliseconds: Int64 { seconds * 1000 }
    fileprivate func covers(_ age: Int64) -> Bool { (0...milliseconds).contains(age) }
}
