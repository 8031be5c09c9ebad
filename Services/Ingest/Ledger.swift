import Models

/// What `ingest` needs of the database, and all that it can do there.
struct Ledger: Sendable {
    /// Appends all events or none, in one commit. One answer for each event, in order.
    var append: @Sendable ([NewEvent]) async throws(LedgerFailure) -> [Appended]
    /// Every connection, when the configuration is newer than `version`; `nil` when it is not.
    var connections:
        @Sendable (_ newerThan: Int64?) async throws(LedgerFailure) -> (
            version: Int64, connections: [Connection]
        )?
    /// Tells waiting workers that there is work. Losing one is harmless: they poll as well.
    var poke: @Sendable () async throws(LedgerFailure) -> Void
}

/// What became of one event.
enum Appended: Equatable, Sendable {
    case accepted
    /// It stands in the log already.
    case duplicate
}

enum LedgerFailure: Error, Equatable, Sendable {
    /// The database cannot be reached or does not answer in time; the same call may work later.
    case unavailable(String)
    /// The database answered and refused; the same call will be refused again.
    case refused(String)
}
