import CPostgres
import Glibc

/// A libpq connection in non-blocking pipeline mode. Every wait is a `poll(2)` against an absolute
/// deadline, so a server that hangs cannot hang its user. Name resolution is the one exception:
/// libpq asks the resolver inside `PQconnectStartParams`.
///
/// Confined to the `Session` that owns it.
final class Wire {
    let handle: OpaquePointer

    /// - Throws: `.unavailable` with the message of the server or of libpq.
    init(to address: Address, deadline: Deadline) throws(PostgresError) {
        // A later keyword overrides an earlier one. `dbname` is expanded as a connection string.
        let handle = withCStrings(["dbname", "client_encoding", "fallback_application_name"]) {
            keywords in
            withCStrings([address.connectionString, "UTF8", "liaison"]) { values in
                PQconnectStartParams(keywords, values, 1)
            }
        }
        guard let handle else { throw .unavailable("out of memory") }
        self.handle = handle
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
        try connect(deadline: deadline)
        guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else {
            throw .unavailable(lastError)
        }
    }

    deinit {
        PQfinish(handle)
    }

    private func connect(deadline: Deadline) throws(PostgresError) {
        var next = PGRES_POLLING_WRITING
        while next != PGRES_POLLING_OK {
            guard PQstatus(handle) != CONNECTION_BAD, next != PGRES_POLLING_FAILED else {
                throw .unavailable(lastError)
            }
            let events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT
            guard try wait(for: events, deadline: deadline) else {
                throw .unavailable("no connection before the deadline")
            }
            next = PQconnectPoll(handle)
        }
    }

    var lastError: String {
        PQerrorMessage(handle).map { trimmed(String(cString: $0)) } ?? ""
    }

    /// The server's process, as it was told at the beginning. A pooler invents a number.
    var serverID: Int32 { PQbackendPID(handle) }

    var isInTransaction: Bool {
        PQtransactionStatus(handle) != PQTRANS_IDLE
    }

    /// False if the server has closed the connection since it was used last: its end and the notice
    /// of its end both make the socket readable.
    var isAlive: Bool {
        let now = Deadline(after: .zero)
        while PQstatus(handle) == CONNECTION_OK {
            guard (try? wait(for: POLLIN, deadline: now)) == true else { return true }
            guard PQconsumeInput(handle) == 1, PQisBusy(handle) == 0 else { return false }
        }
        return false
    }

    /// Returns false if the deadline passed first or the wait was interrupted.
    func wait(
        for events: Int32, deadline: Deadline, unless interrupter: WaitInterrupter? = nil
    ) throws(PostgresError) -> Bool {
        while true {
            // poll(2) leaves out a descriptor below zero.
            var files = (
                pollfd(fd: PQsocket(handle), events: Int16(events), revents: 0),
                pollfd(fd: interrupter?.descriptor ?? -1, events: Int16(POLLIN), revents: 0)
            )
            let ready = withUnsafeMutablePointer(to: &files) { pointer in
                pointer.withMemoryRebound(to: pollfd.self, capacity: 2) {
                    poll($0, 2, deadline.millisecondsLeft)
                }
            }
            if ready > 0 { return files.0.revents != 0 }
            if ready == 0 { return false }
            guard errno == EINTR else { throw .unavailable("poll: errno \(errno)") }
        }
    }
}

extension Wire {
    func send(_ statement: SQL, text: String) throws(PostgresError) {
        let sent = Parameters(statement.values).withPointers { parameters in
            PQsendQueryParams(
                handle, text, parameters.count, parameters.types, parameters.values,
                parameters.lengths, parameters.formats, 1)
        }
        guard sent == 1 else { throw .unavailable(lastError) }
    }

    func prepare(_ statement: SQL, text: String, name: String) throws(PostgresError) {
        let types = statement.values.map(\.type)
        guard PQsendPrepare(handle, name, text, Int32(types.count), types) == 1 else {
            throw .unavailable(lastError)
        }
    }

    func send(_ statement: SQL, prepared name: String) throws(PostgresError) {
        let sent = Parameters(statement.values).withPointers { parameters in
            PQsendQueryPrepared(
                handle, name, parameters.count, parameters.values, parameters.lengths,
                parameters.formats, 1)
        }
        guard sent == 1 else { throw .unavailable(lastError) }
    }

    func sync() throws(PostgresError) {
        guard PQpipelineSync(handle) == 1 else { throw .unavailable(lastError) }
    }

    /// Writes everything to the socket and reads meanwhile: a server that waits until its output is
    /// read would otherwise never read its input.
    func flush(deadline: Deadline) throws(PostgresError) {
        while true {
            switch PQflush(handle) {
            case 0: return
            case 1:
                guard try wait(for: POLLIN | POLLOUT, deadline: deadline) else { throw .timedOut }
                guard PQconsumeInput(handle) == 1 else { throw .unknownOutcome }
            default: throw .unknownOutcome
            }
        }
    }
}

extension Wire {
    /// Returns the next result in the order of the pipeline; nil ends the results of one message.
    ///
    /// - Throws: `.timedOut`, or `.unknownOutcome` if the connection broke.
    func receive(deadline: Deadline) throws(PostgresError) -> ResultHandle? {
        while PQisBusy(handle) == 1 {
            guard try wait(for: POLLIN, deadline: deadline) else { throw .timedOut }
            guard PQconsumeInput(handle) == 1 else { break }
        }
        guard let result = PQgetResult(handle) else {
            guard PQstatus(handle) == CONNECTION_OK else { throw .unknownOutcome }
            return nil
        }
        return ResultHandle(result)
    }

    /// Returns a notification that has arrived already.
    func notification() -> Notification? {
        guard let notify = PQnotifies(handle) else { return nil }
        defer { PQfreemem(notify) }
        return Notification(
            channel: String(cString: notify.pointee.relname),
            payload: String(cString: notify.pointee.extra))
    }

    /// Returns when something arrived, at the deadline, or when the wait is interrupted.
    func awaitInput(
        deadline: Deadline, unless interrupter: WaitInterrupter
    ) throws(PostgresError) {
        guard try wait(for: POLLIN, deadline: deadline, unless: interrupter) else { return }
        guard PQconsumeInput(handle) == 1 else { throw .unavailable(lastError) }
    }
}

/// Texts of several statements, which migrations are.
extension Wire {
    func script(_ text: String, deadline: Deadline) throws(PostgresError) {
        guard PQexitPipelineMode(handle) == 1, PQsendQuery(handle, text) == 1 else {
            throw .unavailable(lastError)
        }
        try flush(deadline: deadline)
        var failure: PostgresError?
        while let result = try receive(deadline: deadline) {
            failure = failure ?? result.failure
        }
        guard PQenterPipelineMode(handle) == 1 else { throw .unavailable(lastError) }
        if let failure { throw failure }
    }
}

extension ResultHandle {
    var isSync: Bool { PQresultStatus(pointer) == PGRES_PIPELINE_SYNC }

    /// The error of the statement. It is nil for success, and for a statement that the server
    /// skipped after an earlier error.
    var failure: PostgresError? {
        guard PQresultStatus(pointer) == PGRES_FATAL_ERROR else { return nil }
        guard let sqlState = field("C") else { return .unknownOutcome }
        return PostgresError(
            ServerError(
                sqlState: sqlState, message: field("M") ?? "", table: field("t"),
                constraint: field("n")))
    }

    /// True if the server ends the session after this error.
    var endsSession: Bool {
        field("V") == "FATAL" || field("V") == "PANIC"
    }

    /// A field of the error, by the code that the protocol gives it (`PG_DIAG_*`).
    private func field(_ code: Unicode.Scalar) -> String? {
        PQresultErrorField(pointer, Int32(code.value)).map { String(cString: $0) }
    }
}

private func trimmed(_ text: String) -> String {
    String(text.split(whereSeparator: \.isNewline).joined(separator: " "))
}

private func withCStrings<T>(
    _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> T
) -> T {
    let copies = strings.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    return body(copies.map { UnsafePointer($0) } + [nil])
}
