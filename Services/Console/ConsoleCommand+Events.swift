import JSON
import Models
import Store

extension ConsoleCommand {
    func events(
        _ selection: Invocation.EventSelection, asJSON: Bool
    ) async throws(CommandError) {
        let store = try store()
        let events = try await mappingErrors(
            await store.events(
                selection.filter, before: selection.before, limit: selection.limit))
        if asJSON {
            for event in events { printer.json(event.json) }
            return
        }
        var table = TextTable([
            "APPENDED", "CONNECTION", "KIND", "LANE", "EVENT", "OUTCOME", "ATTEMPTS", "CAUSE",
        ])
        for event in events { table.append(event.row) }
        for line in table.lines { printer.line(line) }
        if events.count == selection.limit, let last = events.last {
            printer.line("older ones: --before \(last.cursor)")
        }
    }

    func event(_ name: Invocation.EventName, asJSON: Bool) async throws(CommandError) {
        let store = try store()
        let logged = try await find(name, in: store)
        let explanation = try await Explanation.of(logged, from: store)
        let effects = explanation.effects.sorted { $0.key < $1.key }
        if asJSON {
            printer.json(logged.json(effects, explanation))
            return
        }
        for line in logged.headLines { printer.line(line) }
        section("payload", [logged.payload.prettyText])
        if let facts = logged.ending?.facts { section("facts", [facts.prettyText]) }
        section("effects", effects.map { "\($0.key): \($0.value.text)" })
        section("rules", explanation.lines)
    }

    func explain(
        _ name: Invocation.EventName, rule: String?, asJSON: Bool
    ) async throws(CommandError) {
        let store = try store()
        let logged = try await find(name, in: store)
        let explanation = try await Explanation.of(logged, rule: rule, from: store)
        if asJSON {
            printer.json(explanation.json)
        } else {
            for line in explanation.lines { printer.lines(line) }
        }
    }

    /// - Throws: if no connection has an event of this id, or if several have one.
    func find(
        _ name: Invocation.EventName, in store: Store
    ) async throws(CommandError) -> LoggedEvent {
        var found: [LoggedEvent] = []
        for connection in try await connections(name.connection, in: store) {
            let event = try await mappingErrors(await store.event(name.id, of: connection))
            if let event { found.append(event) }
        }
        guard let event = found.first else { throw .problem("there is no event \(name.id)") }
        guard found.count == 1 else {
            let names = found.map(\.job.event.connection.rawValue).joined(separator: ", ")
            throw .problem("\(name.id) is an event of \(names): say which with --connection")
        }
        return event
    }

    func connections(
        _ only: ConnectionID?, in store: Store
    ) async throws(CommandError) -> [ConnectionID] {
        if let only { return [only] }
        return try await mappingErrors(await store.connectionIDs())
    }

    private func section(_ title: String, _ texts: [String]) {
        printer.line()
        printer.line(texts.isEmpty ? "\(title): none" : title)
        for text in texts {
            for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
                printer.line(line.isEmpty ? "" : "  \(line)")
            }
        }
    }
}
