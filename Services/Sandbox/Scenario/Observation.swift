import JSON
import Models

/// The results of a step, read from the stand-ins and the log.
struct Observation {
    var deliveries: [String] = []
    var events: [ObservedEvent] = []
    /// The calls that change something: no GET, no login.
    var calls: [ObservedCall] = []
    var holdings: [(expected: Scenario.Holding, found: JSON)] = []

    struct ObservedCall {
        let name: String
        let status: Int

        /// Returns nil for a call that only reads.
        init?(_ json: JSON) {
            guard let vendor = json["vendor"]?.string, let method = json["method"]?.string,
                let path = json["path"]?.string, method != "GET",
                !path.hasPrefix("/services/oauth2/")
            else { return nil }
            name = "\(vendor) \(method) \(path)"
            status = json["status"]?.int ?? 0
        }

        var line: String { "\(name) \(status == 0 ? "no answer" : String(status))" }

        func fits(_ expected: String) -> Bool {
            (200...299).contains(status) && FaultOrder.glob(expected, name)
                || FaultOrder.glob(expected, "\(name) \(status)")
        }
    }

    struct ObservedEvent {
        let id: String
        let kind: String
        let lane: String
        let outcome: String
        let cause: String
        let attempts: Int
        /// The last parts of the ids of the rules that matched. Copied notes show as `@sync/notes`,
        /// which no configuration names.
        let rules: [String]

        /// - Parameter json: the output of `console event ID --json`.
        init(_ json: JSON) {
            id = json["id"]?.string ?? ""
            kind = json["kind"]?.string ?? ""
            lane = json["lane"]?.string ?? ""
            outcome = json["outcome"]?.string ?? ""
            cause = json["cause"]?.string ?? ""
            attempts = json["attempt"]?.int ?? 0
            let asked = json["explanation"]?["rules"]?.array ?? []
            let matched = asked.filter { $0["result"] == "matched" }
                .compactMap { $0["rule"]?.string?.split(separator: "/").last.map(String.init) }
            let copied = (json["effects"]?.array ?? []).compactMap {
                $0["key"]?.string?.split(separator: "|").dropFirst().first.map(String.init)
            }.filter { $0.hasPrefix("@") }
            rules = (matched + copied).reduce(into: []) { names, name in
                if !names.contains(name) { names.append(name) }
            }
        }

        /// True for the echo of our own write.
        var isEcho: Bool { outcome == "ignored" && cause.contains("repeats what Liaison wrote") }

        var line: String {
            let matched = rules.isEmpty ? "" : " by \(rules.joined(separator: ", "))"
            let tries = attempts > 1 ? ", attempt \(attempts)" : ""
            return "\(kind) in \(lane): \(outcome)\(matched)\(tries)"
                + (cause.isEmpty ? "" : " (\(cause))")
        }

        func fits(_ expected: Scenario.ExpectedEvent) -> Bool {
            kind == expected.kind && outcome == expected.outcome
                && Set(rules) == Set(expected.rules)
                && (expected.cause.map(cause.contains) ?? true)
                && (expected.attempts.map { $0 == attempts } ?? true)
        }
    }
}

extension Scenario.ExpectedEvent {
    var line: String {
        let matched = rules.isEmpty ? "" : " by \(rules.joined(separator: ", "))"
        let tries = attempts.map { ", attempt \($0)" } ?? ""
        return "\(kind): \(outcome)\(matched)\(tries)" + (cause.map { " (\($0))" } ?? "")
    }
}

extension Observation {
    /// The differences from what was expected; empty if there are none.
    func differences(from expected: Scenario.Expectation) -> [String] {
        eventDifferences(expected.events) + callDifferences(expected.calls)
            + holdings.filter { !$0.found.fits($0.expected.value) }.map { holding in
                "\(holding.expected.path)#\(holding.expected.pointer) is \(holding.found.text), "
                    + "expected \(holding.expected.value.text)"
            }
    }

    private func eventDifferences(_ expected: [Scenario.ExpectedEvent]) -> [String] {
        var rest = events
        var missing: [String] = []
        for event in expected {
            if let position = rest.firstIndex(where: { $0.fits(event) }) {
                rest.remove(at: position)
            } else {
                missing.append("expected the event \(event.line)")
            }
        }
        return missing + rest.filter { !$0.isEcho }.map { "unexpected event \($0.line)" }
    }

    private static let repeated = ", once or more"

    private static func isRun(
        _ calls: ArraySlice<ObservedCall>, of wanted: ArraySlice<String>
    ) -> Bool {
        guard let first = wanted.first else { return calls.isEmpty }
        let isRepeated = first.hasSuffix(repeated)
        let pattern = isRepeated ? String(first.dropLast(repeated.count)) : first
        let run = isRepeated ? calls.prefix { $0.fits(pattern) } : calls.prefix(1)
        guard let last = run.last, last.fits(pattern) else { return false }
        return isRun(calls.dropFirst(run.count), of: wanted.dropFirst())
    }

    /// Lanes are worked on at the same time, so between the vendors there is no order.
    private func callDifferences(_ expected: [String]) -> [String] {
        let isSame = [Vendor.pagerDuty, .salesforce].allSatisfy { vendor in
            let found = calls.filter { $0.name.hasPrefix(vendor.rawValue) }
            let wanted = expected.filter { $0.hasPrefix(vendor.rawValue) }
            return Self.isRun(found[...], of: wanted[...])
        }
        if isSame { return [] }
        return ["expected these calls, in this order for each vendor:"]
            + (expected.isEmpty ? ["  none"] : expected.map { "  \($0)" })
    }
}
