import Postgres

/// Why the store did not do what it was asked. Each case says what can be done next.
public enum StoreError: Error, Equatable, Sendable {
    /// The database is away, busy or out of a resource, or nobody knows whether a commit happened.
    /// Every write of the store may be repeated.
    case unavailable(String)
    /// The lease or the worker's registration ended. Stop, and touch nothing.
    case lostLease
    /// Somebody else was faster: read again, then decide again.
    case conflict
    /// A mistake of this program or of what it was given; repeating does not help.
    case defect(String)
}

extension StoreError {
    init(_ error: PostgresError) {
        self =
            switch error {
            case .unavailable(let message): .unavailable(message)
            case .timedOut: .unavailable("no answer in time")
            case .unknownOutcome: .unavailable("the connection broke while committing")
            case .retryable(let sqlState): .unavailable("in each other's way (\(sqlState))")
            case .cancelled: .unavailable("cancelled")
            case .constraint(let name): .defect("constraint \(name)")
            case .statement(let sqlState, let message): .defect("\(sqlState): \(message)")
            case .row(let message): .defect(message)
            }
    }
}
