import Crypto
import JSON
import Models
import Postgres

/// One value that we write at a vendor, remembered until its echo has come back.
public struct JournalEntry: Hashable, Sendable {
    /// The incident or record, by the key of its lane.
    public var target: LaneKey
    public var field: String
    /// The value in a form that is the same on every channel by which it comes back. Only a hash is
    /// kept.
    public var value: String

    public init(target: LaneKey, field: String, value: String) {
        self.target = target
        self.field = field
        self.value = value
    }

    fileprivate var hash: [UInt8] { Array(SHA256.digest(Array(value.utf8)).prefix(16)) }
}

extension [JournalEntry] {
    fileprivate var targets: [String] { map(\.target.rawValue.storable) }
    fileprivate var fields: [String] { map(\.field.storable) }
    fileprivate var hashes: [[UInt8]] { map(\.hash) }

    /// Selects the entries that are in the journal, by their positions from 1. An entry is not used
    /// up, because a vendor may tell one change twice.
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

    /// The form that `JournalEntry.insertion` reads.
    var json: JSON {
        .array(
            map { entry in
                [
                    "target": .string(entry.target.rawValue.storable),
                    "field": .string(entry.field.storable), "hash": .string(Hex.encode(entry.hash)),
                ]
            })
    }
}

extension JournalEntry {
    /// - Parameters:
    ///   - source: rows with a `connection` and its `writes` as JSON.
    ///   - moment: the moment of the change, which all of its fields have.
    static func insertion(from source: SQL, at moment: SQL, _ limits: JournalLimits) -> SQL {
        """
        INSERT INTO journal (connection, target, field, hash, written_at, expires_at)
        SELECT connection, written.target, written.field, decode(written.hash, 'hex'), \(moment),
            now() + \(limits.window)
        FROM \(source), jsonb_to_recordset(writes::jsonb)
            AS written (target text, field text, hash text)
        """
    }
}
