import Postgres
import Store

extension CommandError {
    init(_ error: StoreError) {
        switch error {
        case .unavailable(let message):
            self = .problem("the database cannot be reached: \(message)")
        case .conflict:
            self = .problem(
                "another configuration was applied at the same time: "
                    + "read that one, then apply yours again"
            )
        case .lostLease, .notFound, .schemaMismatch, .missingPartition, .corrupt, .bug:
            self = .problem(error.description)
        }
    }
}

extension MigrationError {
    var sentence: String {
        switch self {
        case .databaseIsNewer(let version, let newest):
            "the database has schema version \(version), this program knows up to \(newest): "
                + "use the newer program"
        case .misnumbered(let migration): "migration \(migration.number) is misnumbered"
        case .failed(let migration, let error):
            "migration \(migration.number) (\(migration.name)) was rolled back: \(error.sentence)"
        case .postgres(let error): error.sentence
        }
    }
}

extension PostgresError {
    var sentence: String {
        switch self {
        case .unavailable(let message): "the database cannot be reached: \(message)"
        case .timedOut, .unknownOutcome: "the database gave no answer in time"
        case .retryable(let state): "another transaction was in the way (\(state)); try again"
        case .constraint, .missingPartition, .statement, .row, .value, .cancelled: description
        }
    }
}

/// Calls the store and throws its errors as command errors.
func mappingErrors<Value>(
    _ call: @autoclosure () async throws(StoreError) -> Value
) async throws(CommandError) -> Value {
    do {
        return try await call()
    } catch {
        throw CommandError(error)
    }
}
