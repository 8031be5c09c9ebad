import HTTP
import JSON
import Models

/// Runs the steps of a scenario in order and prints the result of each.
struct ScenarioRunner {
    let scenario: Scenario
    let environment: ScenarioEnvironment
    let clock: SandboxClock
    let print: (String) -> Void

    private var variables: Variables
    /// The position up to which results were read: ids of the log, numbers of calls and deliveries.
    private var seenEvents: Set<String> = []
    private var seenCalls = 0
    private var seenDeliveries = 0
    private var lastDelivery: HTTPClientRequest?

    init(
        _ scenario: Scenario, on environment: ScenarioEnvironment, variables: [String: String],
        clock: SandboxClock = .system(), print: @escaping (String) -> Void
    ) {
        self.scenario = scenario
        self.environment = environment
        self.variables = Variables(variables)
        self.clock = clock
        self.print = print
    }

    /// - Returns: the number of steps that failed.
    mutating func run() async throws(ScenarioError) -> Int {
        print(scenario.title)
        _ = try await observe(try await environment.logAtRest())
        try await capture(scenario.captures, answer: .null)
        var failed = 0
        for (index, step) in scenario.steps.enumerated() {
            print("\n\(index + 1). \(step.title)")
            do {
                let differences = try await perform(step)
                for difference in differences { print("   FAILED     \(difference)") }
                if differences.isEmpty { print("   ok") } else { failed += 1 }
            } catch {
                let left = scenario.steps.count - index - 1
                print("   FAILED     \(error.sentence)")
                print("\nNothing can be said of what follows: \(left) steps were not run.")
                return failed + 1 + left
            }
        }
        return failed
    }

    /// Runs one step.
    ///
    /// - Returns: the differences from what was expected; empty if there are none.
    /// - Throws: if the sandbox does not answer or does not settle. The scenario ends then.
    private mutating func perform(
        _ step: ScenarioStep
    ) async throws(ScenarioError) -> [String] {
        do {
            var answer = JSON.null
            for act in step.acts { answer = try await perform(act) }
            var observed = try await observe(try await environment.logAtRest())
            try await capture(step.captures, answer: answer)
            let expected = try filled(step.expected)
            observed.holdings = try await look(at: expected.holdings)
            for line in observed.lines { print("   \(line)") }
            return observed.differences(from: expected)
        } catch {
            switch error {
            case .scenario, .unknownName, .unexpected: return [error.sentence]
            case .unreachable, .restless: throw error
            }
        }
    }
}

extension ScenarioRunner {
    private mutating func perform(_ act: ScenarioAction) async throws(ScenarioError) -> JSON {
        switch act {
        case .control(let method, let path, let body):
            return try await environment.control(
                method, try variables.filled(path), try variables.filled(body))
        case .deliver(let delivery):
            let request = try delivery.request(
                to: environment.ingestURL, variables, at: clock.now())
            lastDelivery = request
            return try await send(request, expecting: delivery.status)
        case .deliverAgain(let status):
            guard let lastDelivery else { throw .unexpected("nothing was delivered before") }
            return try await send(lastDelivery, expecting: status)
        case .console(let words):
            var arguments: [String] = []
            for word in words { arguments.append(try variables.filled(word)) }
            print("   operator   console \(arguments.joined(separator: " "))")
            return .array(try environment.console.lines(arguments).map(JSON.string))
        }
    }

    private func send(
        _ request: HTTPClientRequest, expecting status: Int
    ) async throws(ScenarioError) -> JSON {
        let response = try await environment.send(request)
        let path = request.url.dropFirst(environment.ingestURL.count)
        print("   delivered  POST \(path): \(response.status)")
        guard response.status == status else {
            let words = String(decoding: response.body, as: UTF8.self)
            throw .unexpected("expected the answer \(status), got \(response.status) \(words)")
        }
        return (try? JSON(parsing: response.body)) ?? .null
    }

    private mutating func capture(
        _ captures: [Scenario.Capture], answer: JSON
    ) async throws(ScenarioError) {
        for capture in captures {
            var source = answer
            if let path = capture.path {
                source = try await environment.control("GET", try variables.filled(path))
            }
            let value = source.value(at: try variables.filled(capture.pointer))
            if value.isNull { throw .unexpected("nothing to remember as \(capture.name)") }
            variables.set(capture.name, value)
        }
    }
}

extension ScenarioRunner {
    /// The results since the last observation.
    private mutating func observe(_ log: [JSON]) async throws(ScenarioError) -> Observation {
        var observed = Observation()
        let calls = try await environment.control("GET", "/_sandbox/calls?after=\(seenCalls)")
        for call in calls["calls"]?.array ?? [] {
            seenCalls = call["number"]?.int ?? seenCalls
            if let call = Observation.ObservedCall(call) { observed.calls.append(call) }
        }
        let sent = try await environment.control(
            "GET", "/_sandbox/deliveries?after=\(seenDeliveries)")
        for delivery in sent["deliveries"]?.array ?? [] {
            seenDeliveries = delivery["id"]?.int ?? seenDeliveries
            observed.deliveries.append(Self.line(of: delivery))
        }
        for id in log.compactMap({ $0["id"]?.string }) where seenEvents.insert(id).inserted {
            observed.events.append(Observation.ObservedEvent(try environment.console.event(id)))
        }
        return observed
    }

    private static func line(of delivery: JSON) -> String {
        let attempts = (delivery["attempts"]?.array ?? []).map { attempt in
            attempt["status"]?.text ?? attempt["error"]?.string ?? "?"
        }
        let words = [delivery["about"], delivery["to"]].compactMap { $0?.string }
        return "\(words.joined(separator: " to ")): \(attempts.joined(separator: ", "))"
    }

    private func look(
        at holdings: [Scenario.Holding]
    ) async throws(ScenarioError) -> [(expected: Scenario.Holding, found: JSON)] {
        var answers: [String: JSON] = [:]
        var found: [(expected: Scenario.Holding, found: JSON)] = []
        for holding in holdings {
            let answer: JSON
            if let known = answers[holding.path] {
                answer = known
            } else {
                answer = try await environment.control("GET", holding.path)
            }
            answers[holding.path] = answer
            found.append((holding, answer.value(at: holding.pointer)))
        }
        return found
    }

    private func filled(
        _ expected: Scenario.Expectation
    ) throws(ScenarioError) -> Scenario.Expectation {
        var calls: [String] = []
        for call in expected.calls { calls.append(try variables.filled(call)) }
        var holdings: [Scenario.Holding] = []
        for holding in expected.holdings {
            holdings.append(
                Scenario.Holding(
                    path: try variables.filled(holding.path),
                    pointer: try variables.filled(holding.pointer),
                    value: try variables.filled(holding.value)))
        }
        return Scenario.Expectation(events: expected.events, calls: calls, holdings: holdings)
    }
}

extension Observation {
    /// The lines that describe a result.
    fileprivate var lines: [String] {
        deliveries.map { "delivered  \($0)" } + events.map { "event      \($0.line)" }
            + calls.map { "called     \($0.line)" }
            + holdings.map { holding in
                let name = holding.expected.path.split(separator: "/").dropFirst()
                return "now        \(name.joined(separator: "/"))\(holding.expected.pointer) "
                    + "is \(Self.short(holding.found))"
            }
    }

    private static func short(_ value: JSON) -> String {
        let text = value.array.map { "a list of \($0.count)" } ?? value.text
        return text.count <= 160 ? text : text.prefix(159) + "…"
    }
}
