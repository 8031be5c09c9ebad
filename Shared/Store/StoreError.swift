import Models
import Postgres

/// The reason why the store did not do what it was asked. Each case says what can be done next.
public enum StoreError: Error, Equatable, Sendable {
    /// The database is away, busy or out of a resource, or the outcome of a commit is unknown.
    /// Repeat the call later: every write of the store may be repeated.
    case unavailable(reason: String)
    /// The lease or the worker's registration ended. Stop, and write nothing more.
    case lostLease
    /// Another writer was faster: read again, then decide again.
    case conflict
    /// The call names something that does not exist. Create it, or ask for another.
    case notFound(StoredObject)
    /// The database was migrated by another version of the program. Run `console migrate`, or use
    /// the program that fits.
    case schemaMismatch(found: Int, needed: Int)
    /// The log has no partition for the row. `maintain` creates partitions for the days to come.
    case missingPartition(table: String)
    /// Stored data cannot be read, or contradict the write. A person must look.
    case corrupt(String)
    /// A mistake of this program. Repeating does not help.
    case bug(String)
}

/// An object that a call of the store did not find.
public enum StoredObject: Equatable, Sendable, CustomStringConvertible {
    case connection(ConnectionID)
    /// The key that sealed a secret, by its name.
    case secretKey(String)

    public var description: String {
        switch self {
        case .connection(let id): "there is no connection \(id)"
        case .secretKey(let name): "the key \(name), which sealed a secret, is not configured"
        }
    }
}

extension StoreError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unavailable(let reason): "the database is unavailable: \(reason)"
        case .lostLease: "the lease is lost"
        case .conflict: "another writer changed the same data first"
        case .notFound(let object): object.description
        case .schemaMismatch(let found, let needed):
            "the database has schema \(found), this program needs \(needed)"
        case .missingPartition(let table):
            "the table \(table) has no partition for the row"
        case .corrupt(let reason): reason
        case .bug(let reason): "defect of this program: \(reason)"
        }
    }

    /// True if the same call fails again until the stored data, the settings or the program change.
    public var isPermanent: Bool {
        switch self {
        case .unavailable, .lostLease, .conflict: false
        case .notFound, .schemaMismatch, .missingPartition, .corrupt, .bug: true
        }
    }
}

extension StoreError {
    init(_ error: PostgresError) {
        self =
            switch error {
            case .unavailable, .timedOut, .unknownOutcome, .retryable, .cancelled:
                .unavailable(reason: error.description)
            case .missingPartition(let table): .missingPartition(table: table)
            // A key that is there twice: rows contradict each other.
            case .constraint(_, sqlState: "23505"), .value: .corrupt(error.description)
            case .constraint, .statement, .row: .bug(error.description)
            }
    }
}
