import Models
import Store

extension ConsoleCommand {
    /// Replays all of these events, or none of them if one does not exist.
    func replay(_ names: [Invocation.EventName], _ scope: ReplayScope) async throws(CommandError) {
        let store = try store()
        var events: [LoggedEvent] = []
        var problems: [String] = []
        for name in names {
            do {
                events.append(try await find(name, in: store))
            } catch {
                problems += error.lines
            }
        }
        if !problems.isEmpty { throw .problems(problems) }
        try await append(events, scope, to: store)
    }

    /// Replays the newest events that failed, oldest first, so that each lane keeps its order. An
    /// event that was replayed before is left out, because its replay is an event of its own.
    func replayFailed(of connection: ConnectionID?, limit: Int) async throws(CommandError) {
        let store = try store()
        let scope = connection.map(EventFilter.EventScope.connection) ?? .all
        let filter = EventFilter(scope, status: .failed)
        let failed = try await mappingErrors(await store.events(filter, limit: limit))
        var due: [LoggedEvent] = []
        for event in failed.reversed() {
            let isReplayed = try await isReplayed(event, in: store)
            if isReplayed {
                printer.line("\(event.job.event.id) was replayed before")
            } else {
                due.append(event)
            }
        }
        if due.isEmpty { printer.line("nothing to replay") }
        try await append(due, .rest, to: store)
    }

    private func append(
        _ events: [LoggedEvent], _ scope: ReplayScope, to store: Store
    ) async throws(CommandError) {
        for logged in events {
            let event = logged.job.event
            let new = try await mappingErrors(
                await store.replay(
                    event.id, of: event.connection, doing: scope, nonce: nonce()))
            guard let new else { throw .problem("there is no event \(event.id)") }
            printer.line("\(event.id) -> \(new.id)")
        }
        guard !events.isEmpty else { return }
        try await mappingErrors(await store.notify())
    }

    private func isReplayed(_ logged: LoggedEvent, in store: Store) async throws(CommandError)
        -> Bool
    {
        let event = logged.job.event
        let lane = EventFilter(.lane(event.lane, of: event.connection))
        let later = try await mappingErrors(await store.events(lane, limit: Invocation.eventsMax))
        return later.contains { $0.job.event.isReplay(of: event.id) }
    }

    func links(
        of subject: Invocation.LinkSubject, in connection: ConnectionID?
    ) async throws(CommandError) {
        let store = try store()
        var table = TextTable(["CONNECTION", "INCIDENT", "OBJECT", "RECORD"])
        for connection in try await connections(connection, in: store) {
            let links =
                switch subject {
                case .incident(let id):
                    try await mappingErrors(await store.links(incident: id, in: connection))
                case .record(let id):
                    try await mappingErrors(await store.links(records: [id], in: connection))
                }
            for link in links {
                table.append([
                    connection.rawValue, link.incident.rawValue, link.object, link.record.long,
                ])
            }
        }
        for line in table.lines { printer.line(line) }
    }

    func status() async throws(CommandError) {
        let store = try store()
        let version = try await mappingErrors(await store.configurationVersion())
        let depths = try await mappingErrors(await store.depth())
        let failed = try await mappingErrors(
            await store.events(EventFilter(status: .failed), limit: Self.failedCountMax))
        let isMore = failed.count == Self.failedCountMax
        printer.line("configuration  version \(version)")
        printer.line("failed events  \(failed.count)\(isMore ? " or more" : "")")
        if depths.isEmpty {
            printer.line("waiting        nothing")
            return
        }
        printer.line()
        var table = TextTable(["CONNECTION", "WAITING EVENTS", "LANES", "OLDEST DUE SECONDS"])
        for depth in depths {
            table.append([
                depth.connection.rawValue, String(depth.events), String(depth.lanes),
                String(Int(depth.oldestDue / .seconds(1))),
            ])
        }
        for line in table.lines { printer.line(line) }
    }

    private static let failedCountMax = 100
}
