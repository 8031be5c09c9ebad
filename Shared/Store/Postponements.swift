import JSON
import Models
import Postgres

extension Store {
    /// Why the head of a lane was put off when a worker last had it. Not a part of `lane`, which is
    /// to stay narrow; written with the settlement that puts it off (`Settle`). It is about the
    /// event of that sequence only: afterwards it means nothing, and the next one takes its place.
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

/// Why an event still waits.
public struct Postponement: Equatable, Sendable {
    public let cause: Cause
    /// Attempts that counted, so far.
    public let attempts: Int
    public let postponedAt: Timestamp
    /// When the next attempt is due.
    public let dueAt: Timestamp

    /// `nil` if one of the columns is absent, or a newer program's.
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
