/// What went wrong with a statement. Each case says what can be done next.
public enum PostgresError: Error, Equatable, Sendable {
    /// No connection, or the server refused or ended it, or it is out of a resource.
    /// Nothing was done; later may be better.
    case unavailable(String)

    /// No answer before the deadline. The connection is gone; inside a transaction nothing was
    /// done, a statement by itself may still take effect.
    case timedOut

    /// The connection broke while the server was committing: look whether it happened.
    case unknownOutcome

    /// Another transaction was in the way (SQLSTATE 40001, 40P01, 55P03). Nothing was done; run the
    /// whole transaction again.
    case retryable(sqlState: String)

    /// A constraint of this name forbids it (class 23).
    case constraint(String)

    /// A mistake in the statement or in its values: a defect of the caller.
    case statement(sqlState: String, message: String)

    /// A row is not of the shape that the caller expects: a defect of the caller.
    case row(String)

    /// The task was cancelled while it waited for a connection. Nothing was sent.
    case cancelled
}

extension PostgresError {
    /// Classes and codes as in appendix A of PostgreSQL's manual.
    init(sqlState: String, message: String, constraint: String?) {
        switch sqlState {
        case "40001", "40P01", "55P03":
            self = .retryable(sqlState: sqlState)
        case "57014":
            self = .timedOut
        case "25006", "57P01", "57P02", "57P03", "57P04", "57P05":
            self = .unavailable(message)
        case "08P01":
            // The server could not read what we sent: a value of the wrong shape.
            self = .statement(sqlState: sqlState, message: message)
        default:
            self = PostgresError(
                class: sqlState.prefix(2), sqlState: sqlState, message: message,
                constraint: constraint)
        }
    }

    private init(
        class: Substring, sqlState: String, message: String, constraint: String?
    ) {
        switch `class` {
        case "08", "53", "58":
            self = .unavailable(message)
        case "23":
            self = .constraint(constraint ?? message)
        default:
            self = .statement(sqlState: sqlState, message: message)
        }
    }

    /// After these the session's state is not what a next user expects.
    var endsSession: Bool {
        switch self {
        case .unavailable, .timedOut, .unknownOutcome: true
        case .retryable, .constraint, .statement, .row, .cancelled: false
        }
    }
}
