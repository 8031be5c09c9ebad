import JSON
import Models
import Postgres

extension Store {
    /// The reason why the head of a lane was put off when a worker last had it. It is not a part of
    /// `lane`, which must stay narrow. The settlement that puts the event off writes it (`Settle`).
    /// It is about the event of its sequence only; the next postponement replaces it.
    static let postponementSchema = """
        CREATE TABLE postponement (
            lane_id bigint PRIMARY KEY,
            sequence bigint NOT NULL,
            attempt int NOT NULL,
            postponed_at timestamptz NOT NULL DEFAULT now(),
            cause text NOT NULL
        ) WITH (fillfactor = 50);
        COMMENT ON COLUMN postponement.attempt IS 'attempts that counted, so far';
        """
}

/// The reason why an event still waits.
public struct Postponement: Equatable, Sendable {
    public let cause: Cause
    /// The attempts so far that counted.
    public let attempts: Int
    public let postponedAt: Timestamp
    /// The moment at which the next attempt is due.
    public let dueAt: Timestamp

    /// Returns nil if a column is NULL or of a newer program.
    init?(reading row: inout RowReader) throws(PostgresError) {
        let cause: String? = try row.next()
        let attempts: Int? = try row.next()
        let postponedAt: Int64? = try row.next()
        let dueAt: Int64? = try row.next()
        guard let cause = cause.flatMap({ try? JSON(parsing: $0) }).flatMap(Cause.init(json:)),
            let attempts, let postponedAt, let dueAt
        else { return nil }
        self.cause = cause
        self.attempts = attempts
        self.postponedAt = Timestamp(milliseconds: postponedAt)
        self.dueAt = Timestamp(milliseconds: dueAt)
    }
}
