import Dispatch
import Synchronization

public struct PoolLimits: Sendable {
    public var connectionsMax = 8
    /// The most callers that may wait for a connection. The next one is refused at once.
    public var waitersMax = 256
    public var waitMax = Duration.seconds(2)
    public var session = SessionLimits()

    public init() {}
}

/// A bounded number of connections that are opened when they are needed and lent to one caller at a
/// time.
///
/// A broken connection is dropped, and the next caller opens another. The pool repeats no
/// statement, because only the caller knows which may run twice.
public final class Pool: Sendable {
    public let address: Address
    private let limits: PoolLimits
    private let contents = Mutex(PoolContents())

    private struct PoolContents {
        var idle: [Session] = []
        /// The number of connections that are idle, lent or being opened.
        var open = 0
        var waiters: [Waiter] = []
        var waitersEver: UInt64 = 0
        var isClosed = false
    }

    private struct Waiter {
        let number: UInt64
        let continuation: CheckedContinuation<Result<Slot, PostgresError>, Never>
    }

    /// The right to use one of the pool's connections.
    private enum Slot {
        /// A connection that another caller gave back.
        case open(Session)
        /// The caller opens the connection.
        case empty
    }

    public init(_ address: Address, limits: PoolLimits = PoolLimits()) {
        self.address = address
        self.limits = limits
    }

    /// Lends a connection while `body` runs.
    ///
    /// - Throws: the error of `body`, `.unavailable` if there is no connection, or `.cancelled`.
    public func withSession<T: Sendable>(
        _ body: (Session) async throws(PostgresError) -> T
    ) async throws(PostgresError) -> T {
        try await withSession(in: try await slot(), body)
    }

    private func withSession<T: Sendable>(
        in slot: Slot, _ body: (Session) async throws(PostgresError) -> T
    ) async throws(PostgresError) -> T {
        let session = try await session(in: slot)
        do {
            let value = try await body(session)
            await release(session)
            return value
        } catch {
            await release(session)
            throw error
        }
    }

    /// Lends a connection and runs `body` between BEGIN and COMMIT. An error of `body` rolls back.
    public func withTransaction<T: Sendable>(
        _ body: (Session) async throws(PostgresError) -> T
    ) async throws(PostgresError) -> T {
        try await withSession { session throws(PostgresError) in
            try await session.transaction(body)
        }
    }

    @discardableResult
    public func query(
        _ statement: SQL, timeout: Duration? = nil
    ) async throws(PostgresError) -> Rows {
        try await withSession { session throws(PostgresError) in
            try await session.query(statement, timeout: timeout)
        }
    }

    /// Runs the statements as `Session.pipeline` does. An idle connection is checked, used and
    /// given back in one visit to its thread.
    public func pipeline(_ statements: [SQL]) async throws(PostgresError) -> [Rows] {
        let slot = try await slot()
        guard case .open(let session) = slot else {
            return try await pipeline(statements, in: slot)
        }
        do {
            guard let answer = try await session.pipelineIfReady(statements) else {
                return try await pipeline(statements, in: .empty)
            }
            giveBack(answer.staysReady ? .open(session) : .empty)
            return answer.rows
        } catch {
            await release(session)
            throw error
        }
    }

    private func pipeline(
        _ statements: [SQL], in slot: Slot
    ) async throws(PostgresError) -> [Rows] {
        try await withSession(in: slot) { session throws(PostgresError) in
            try await session.pipeline(statements)
        }
    }

    /// Refuses all callers, waiting and later ones. Lent connections close when they come back.
    public func close() {
        let (idle, waiters) = contents.withLock { contents in
            defer {
                contents.open -= contents.idle.count
                contents.idle = []
                contents.waiters = []
                contents.isClosed = true
            }
            return (contents.idle, contents.waiters)
        }
        // A connection closes with the last reference to it.
        _ = idle
        for waiter in waiters {
            waiter.continuation.resume(returning: .failure(.unavailable("the pool is closed")))
        }
    }
}

extension Pool {
    private func session(in slot: Slot) async throws(PostgresError) -> Session {
        switch slot {
        case .open(let session):
            if await session.isReady { return session }
        case .empty:
            break
        }
        let session = Session(to: address, limits: limits.session)
        do {
            try await session.open()
            return session
        } catch {
            giveBack(.empty)
            throw error
        }
    }

    private func release(_ session: Session) async {
        giveBack(await session.isReady ? .open(session) : .empty)
    }

    private func slot() async throws(PostgresError) -> Slot {
        let number = contents.withLock { contents in
            contents.waitersEver += 1
            return contents.waitersEver
        }
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                serveOrQueue(Waiter(number: number, continuation: continuation))
            }
        } onCancel: {
            refuse(number, because: .cancelled)
        }
        return try answer.get()
    }

    private func serveOrQueue(_ waiter: Waiter) {
        let answer: Result<Slot, PostgresError>? = contents.withLock { contents in
            if contents.isClosed { return .failure(.unavailable("the pool is closed")) }
            if Task.isCancelled { return .failure(.cancelled) }
            if let session = contents.idle.popLast() { return .success(.open(session)) }
            if contents.open < limits.connectionsMax {
                contents.open += 1
                return .success(.empty)
            }
            guard contents.waiters.count < limits.waitersMax else {
                return .failure(.unavailable("too many callers wait for a connection"))
            }
            contents.waiters.append(waiter)
            return nil
        }
        if let answer {
            waiter.continuation.resume(returning: answer)
        } else {
            let number = waiter.number
            DispatchQueue.global().asyncAfter(deadline: .now() + limits.waitMax / .seconds(1)) {
                [weak self] in
                self?.refuse(number, because: .unavailable("no connection became free in time"))
            }
        }
    }

    private func refuse(_ number: UInt64, because reason: PostgresError) {
        let waiter = contents.withLock { contents in
            contents.waiters.firstIndex { $0.number == number }.map {
                contents.waiters.remove(at: $0)
            }
        }
        waiter?.continuation.resume(returning: .failure(reason))
    }

    private func giveBack(_ slot: Slot) {
        let waiter: Waiter? = contents.withLock { contents in
            if !contents.waiters.isEmpty { return contents.waiters.removeFirst() }
            switch slot {
            case .open(let session) where !contents.isClosed: contents.idle.append(session)
            case .open, .empty: contents.open -= 1
            }
            return nil
        }
        waiter?.continuation.resume(returning: .success(slot))
    }
}
