/// The way in which statements reach the server.
public enum StatementMode: Sendable {
    /// The server parses a statement at every use. This works behind every transaction pooler.
    case unnamed
    /// The server parses a statement once in each session; behind a pooler at every use.
    case prepared
}

public struct SessionLimits: Sendable {
    public var connectMax = Duration.seconds(5)
    public var statementMax = Duration.seconds(10)
    public var preparedStatementsMax = 128
    public var mode = StatementMode.prepared

    public init() {}
}

/// One session of the server. It works on a thread of its own and serves one caller at a time.
public actor Session {
    private let executor = QueueExecutor(label: "postgres")
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    private let address: Address
    private let limits: SessionLimits
    private var wire: Wire?
    /// The names of the statements that the server has parsed.
    private var prepared: [Shape: String] = [:]
    private var preparedEver = 0
    /// True if a pooler stands before the server. The next transaction may then meet another
    /// session of the server: no state may be left in a session, and no notification arrives.
    public private(set) var isPooled = false

    public init(to address: Address, limits: SessionLimits = SessionLimits()) {
        self.address = address
        self.limits = limits
    }

    /// - Throws: `.unavailable`.
    public func open() throws(PostgresError) {
        prepared = [:]
        let wire = try Wire(to: address, deadline: Deadline(after: limits.connectMax))
        self.wire = wire
        isPooled = true
        isPooled = try answeringServer() != wire.serverID
    }

    /// - Throws: `.unavailable`.
    private func answeringServer() throws(PostgresError) -> Int32? {
        do {
            return try query(
                "SELECT pg_backend_pid()", timeout: limits.connectMax
            ).decoded(Int32.self).first
        } catch {
            wire = nil
            throw .unavailable("the server does not answer: \(error)")
        }
    }

    public func close() {
        wire = nil
    }

    /// True if the session is connected and in no transaction, and the server has not closed it.
    public var isReady: Bool {
        guard let wire, wire.isAlive, !wire.isInTransaction else {
            wire = nil
            return false
        }
        return true
    }

    /// Runs one statement. Outside of a transaction it is a transaction by itself.
    ///
    /// - Parameter timeout: instead of `statementMax`.
    @discardableResult
    public func query(
        _ statement: SQL, timeout: Duration? = nil
    ) throws(PostgresError) -> Rows {
        guard let rows = try pipeline([statement], timeout: timeout).first else {
            throw .row("no answer to the statement")
        }
        return rows
    }

    /// Sends all statements before it reads the first result: one round trip, and outside of a
    /// transaction one commit for all of them. Every statement sees the effects of those before it.
    public func pipeline(
        _ statements: [SQL], timeout: Duration? = nil
    ) throws(PostgresError) -> [Rows] {
        let isInTransaction = wire?.isInTransaction ?? false
        do {
            return try exchange(
                statements, timeout: timeout ?? limits.statementMax)
        } catch .unknownOutcome where isInTransaction {
            throw .unavailable("the connection broke in a transaction")
        }
    }

    /// Runs the statements in a session that was idle.
    ///
    /// - Returns: nil if the session is not ready, and nothing was sent. `staysReady` is true if
    ///   the session can be used again.
    func pipelineIfReady(
        _ statements: [SQL]
    ) throws(PostgresError) -> (rows: [Rows], staysReady: Bool)? {
        guard isReady else { return nil }
        let rows = try pipeline(statements)
        return (rows, wire?.isInTransaction == false)
    }

    private func exchange(
        _ statements: [SQL], timeout: Duration
    ) throws(PostgresError) -> [Rows] {
        let deadline = Deadline(after: timeout)
        return try onWire { wire throws(PostgresError) in
            for statement in statements { try statement.refuseNul() }
            var sent: [Sent] = []
            for statement in statements {
                sent.append(contentsOf: try send(statement, on: wire))
            }
            try wire.sync()
            try wire.flush(deadline: deadline)
            return try receive(sent, on: wire, deadline: deadline)
        }
    }

    /// Runs a text of several statements without parameters, such as a migration.
    public func script(_ text: String, timeout: Duration) throws(PostgresError) {
        try onWire { wire throws(PostgresError) in
            try wire.script(text, deadline: Deadline(after: timeout))
        }
    }

    /// - Throws: `.unknownOutcome` if it cannot be known whether the transaction was committed.
    func commit() throws(PostgresError) {
        guard wire != nil else { throw .unavailable("the connection broke in a transaction") }
        let tag: String?
        do {
            tag = try exchange(["COMMIT"], timeout: limits.statementMax).first?.tag
        } catch .unavailable, .timedOut {
            throw .unknownOutcome
        }
        // The server answers the COMMIT of a failed transaction with success, and rolls back.
        guard tag == "COMMIT" else {
            throw .statement(sqlState: "25P02", message: "a statement of the transaction failed")
        }
    }

    /// Returns all notifications since the last call. It waits for the first until `timeout`, or
    /// until `interrupter` is used.
    func notifications(
        waiting timeout: Duration, unless interrupter: WaitInterrupter
    ) throws(PostgresError) -> [Notification] {
        try onWire { wire throws(PostgresError) in
            try wire.awaitInput(deadline: Deadline(after: timeout), unless: interrupter)
            var arrived: [Notification] = []
            while let notification = wire.notification() { arrived.append(notification) }
            return arrived
        }
    }

    /// Runs a step of a copy, inside a transaction. A step that fails closes the session.
    func copying<T>(
        _ step: (Wire, Deadline) throws(PostgresError) -> T
    ) throws(PostgresError) -> T {
        do {
            return try onWire { wire throws(PostgresError) in
                try step(wire, Deadline(after: limits.statementMax))
            }
        } catch {
            wire = nil
            if case .unknownOutcome = error {
                throw .unavailable("the connection broke in a transaction")
            }
            throw error
        }
    }

    /// Runs `body` on the connection and drops the connection if it broke.
    private func onWire<T>(
        _ body: (Wire) throws(PostgresError) -> T
    ) throws(PostgresError) -> T {
        guard let wire else { throw .unavailable("not connected") }
        do {
            return try body(wire)
        } catch {
            if error.endsSession || !wire.isAlive { self.wire = nil }
            throw error
        }
    }
}

extension Session {
    /// Runs `body` between BEGIN and COMMIT. An error of `body` rolls back.
    ///
    /// - Throws: the error of `body`, or that of BEGIN or COMMIT (`.unknownOutcome`).
    public nonisolated func transaction<T: Sendable>(
        _ body: (Session) async throws(PostgresError) -> T
    ) async throws(PostgresError) -> T {
        try await query("BEGIN")
        let value: T
        do {
            value = try await body(self)
        } catch {
            // If this fails as well, the session is not ready and its pool drops it.
            _ = try? await query("ROLLBACK")
            throw error
        }
        try await commit()
        return value
    }
}

extension Session {
    /// A message whose answer is awaited.
    private enum Sent {
        case preparation(Shape)
        case statement
    }

    /// The parts of a statement that the server parses.
    private struct Shape: Hashable {
        let text: String
        let types: [UInt32]
    }

    private func send(_ statement: SQL, on wire: Wire) throws(PostgresError) -> [Sent] {
        let shape = Shape(text: statement.text, types: statement.values.map(\.type))
        if let name = prepared[shape] {
            try wire.send(statement, prepared: name)
            return [.statement]
        }
        guard limits.mode == .prepared, !isPooled,
            prepared.count < limits.preparedStatementsMax
        else {
            try wire.send(statement, text: shape.text)
            return [.statement]
        }
        let name = "s\(preparedEver)"
        preparedEver += 1
        try wire.prepare(statement, text: shape.text, name: name)
        try wire.send(statement, prepared: name)
        prepared[shape] = name
        return [.preparation(shape), .statement]
    }

    /// Reads up to the answer to the Sync, because only that proves a commit.
    private func receive(
        _ sent: [Sent], on wire: Wire, deadline: Deadline
    ) throws(PostgresError) -> [Rows] {
        var rows: [Rows] = []
        var failure: PostgresError?
        do {
            for message in sent {
                while let result = try wire.receive(deadline: deadline) {
                    failure = failure ?? result.failure
                    if case .statement = message { rows.append(Rows(result)) }
                }
                if failure != nil, case .preparation(let shape) = message { prepared[shape] = nil }
            }
            while let last = try wire.receive(deadline: deadline), !last.isSync {
                failure = failure ?? (last.endsSession ? .unknownOutcome : last.failure)
            }
        } catch {
            // The server commits nothing after an error, even if it does not live to say so.
            throw failure ?? error
        }
        if let failure { throw failure }
        return rows
    }
}

extension SQL {
    /// Text cannot hold NUL in PostgreSQL, and libpq would cut the value there in silence.
    fileprivate func refuseNul() throws(PostgresError) {
        for value in values where !value.isBinary {
            if value.bytes?.contains(0) == true {
                throw .statement(sqlState: "22021", message: "text holds a NUL")
            }
        }
    }
}
