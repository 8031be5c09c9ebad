/// The error of a statement. Each case says what can be done next.
public enum PostgresError: Error, Equatable, Sendable {
    /// There is no connection, the server refused or ended it, or it is out of a resource.
    /// Nothing was done; a later attempt may succeed.
    case unavailable(String)

    /// No answer came before the deadline. The connection is gone. Inside a transaction nothing was
    /// done; a statement outside of one may still take effect.
    case timedOut

    /// The connection broke during the commit. Look in the tables whether it happened.
    case unknownOutcome

    /// Another transaction was in the way (SQLSTATE 40001, 40P01, 55P03). Nothing was done: run the
    /// whole transaction again.
    case retryable(sqlState: String)

    /// A constraint forbids the write (class 23).
    case constraint(String, sqlState: String)

    /// The partitioned table has no partition for the row. Create it and run the statement again.
    case missingPartition(table: String)

    /// The statement or one of its values is wrong: a mistake of the caller.
    case statement(sqlState: String, message: String)

    /// The columns of a row are not those that the caller expects: a mistake of the caller.
    case row(String)

    /// A column holds a value that the caller cannot read.
    case value(String)

    /// The task was cancelled while it waited for a connection. Nothing was sent.
    case cancelled
}

extension PostgresError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unavailable(let reason): reason
        case .timedOut: "the server gave no answer in time"
        case .unknownOutcome: "the connection broke during the commit; its outcome is unknown"
        case .retryable(let sqlState):
            "another transaction was in the way (SQLSTATE \(sqlState)); try again"
        case .constraint(let name, let sqlState):
            "the constraint \(name) forbids the write (SQLSTATE \(sqlState))"
        case .missingPartition(let table): "the table \(table) has no partition for the row"
        case .statement(let sqlState, let message): "\(message) (SQLSTATE \(sqlState))"
        case .row(let message), .value(let message): message
        case .cancelled: "the task was cancelled while it waited for a connection"
        }
    }
}

/// An error as the server describes it, by the fields of the protocol.
struct ServerError {
    let sqlState: String
    let message: String
    var table: String?
    var constraint: String?
}

extension PostgresError {
    /// Classes and codes as in appendix A of PostgreSQL's manual.
    init(_ error: ServerError) {
        switch error.sqlState {
        case "40001", "40P01", "55P03":
            self = .retryable(sqlState: error.sqlState)
        case "57014":
            self = .timedOut
        case "25006", "57P01", "57P02", "57P03", "57P04", "57P05":
            self = .unavailable(error.message)
        case "08P01":
            // The server could not read what we sent: a value of the wrong shape.
            self = .statement(sqlState: error.sqlState, message: error.message)
        default:
            self = PostgresError(classOf: error)
        }
    }

    private init(classOf error: ServerError) {
        switch error.sqlState.prefix(2) {
        case "08", "53", "58":
            self = .unavailable(error.message)
        case "23":
            self = PostgresError(integrityViolation: error)
        default:
            self = .statement(sqlState: error.sqlState, message: error.message)
        }
    }

    /// A row without a partition fails as a check (23514) of the table, but of no constraint.
    private init(integrityViolation error: ServerError) {
        self =
            if error.sqlState == "23514", error.constraint == nil, let table = error.table {
                .missingPartition(table: table)
            } else {
                .constraint(error.constraint ?? error.message, sqlState: error.sqlState)
            }
    }

    /// True if the session's state afterwards is not what its next user expects.
    var endsSession: Bool {
        switch self {
        case .unavailable, .timedOut, .unknownOutcome: true
        case .retryable, .constraint, .missingPartition, .statement, .row, .value, .cancelled: false
        }
    }
}
