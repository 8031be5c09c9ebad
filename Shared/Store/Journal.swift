import Crypto
import Models
import Postgres

/// One value that we write at a vendor, remembered until its echo has come.
public struct JournalEntry: Hashable, Sendable {
    /// The incident or record, as its lane is named.
    public var target: LaneKey
    public var field: String
    /// In a form that does not depend on the channel by which it comes back. Only a hash is kept.
    public var value: String

    public init(target: LaneKey, field: String, value: String) {
        self.target = target
        self.field = field
        self.value = value
    }

    fileprivate var hash: [UInt8] { Array(SHA256.digest(Array(value.utf8)).prefix(16)) }
}

extension Store {
    /// How often we wrote to this incident or record in the last `seconds`, as far as it is
    /// remembered: what a fuse against rules that undo each other looks at.
    public func writes(
        to target: LaneKey, in connection: ConnectionID, lastSeconds seconds: Double
    ) async throws(StoreError) -> Int {
        let number = try await number(of: connection)
        let counts = try await run { pool throws(PostgresError) in
            // The fields of one write have one moment.
            try await pool.query(
                """
                SELECT count(DISTINCT written_at) FROM journal
                WHERE connection = \(number) AND target = \(target.rawValue.storable)
                    AND written_at > now() - \(seconds) * interval '1 second'
                """
            ).decoded(Int.self)
        }
        return counts.first ?? 0
    }
}

extension [JournalEntry] {
    fileprivate var targets: [String] { map(\.target.rawValue.storable) }
    fileprivate var fields: [String] { map(\.field.storable) }
    fileprivate var hashes: [[UInt8]] { map(\.hash) }

    /// Which of these are ours, by their places from 1. An entry is not used up: a vendor may tell
    /// one change twice.
    func remembered(by connection: Int32) -> SQL {
        """
        SELECT place FROM unnest(\(targets), \(fields), \(hashes))
            WITH ORDINALITY AS seen (target, field, hash, place)
        WHERE EXISTS (
            SELECT FROM journal
            WHERE connection = \(connection) AND journal.target = seen.target
                AND journal.field = seen.field AND journal.hash = seen.hash
                AND expires_at > now())
        """
    }

    /// Into the journal of the connection that `held` names.
    ///
    /// - Parameter moment: of the change that they belong to. What is remembered again keeps it, so
    ///   that one change is counted once however often it is tried.
    func insertion(seconds: Double, at moment: SQL = "now()") -> SQL {
        """
        INSERT INTO journal (connection, target, field, hash, written_at, expires_at)
        SELECT held.connection, written.target, written.field, written.hash, \(moment),
            now() + \(seconds) * interval '1 second'
        FROM held, unnest(\(targets), \(fields), \(hashes)) AS written (target, field, hash)
        """
    }
}
