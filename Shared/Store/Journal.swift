import Crypto
import JSON
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

    /// As `JournalEntry.insertion` reads them.
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
    ///   - source: rows with a `connection`, and its `writes` as JSON.
    ///   - moment: of the change that they belong to: the fields of one change have one moment.
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
