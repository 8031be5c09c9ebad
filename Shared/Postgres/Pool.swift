import Dispatch
import Synchronization

public struct PoolLimits: Sendable {
    public var connectionsMax = 8
    /// Callers that may wait for a connection; the next one is refused at once.
    public var waitersMax = 256
    public var waitMax = Duration.seconds(2)
    public var session = SessionLimits()

    public init() {}
}

/// A bounded number of connections, opened when they are needed and shared in turn.
///
/// A connection that broke is dropped, and its place is filled by the next caller who needs one.
/// Nothing is repeated by the pool: only the caller knows what may be done twice.
public final class Pool: Sendable {
    public let address: Address
    private let limits: PoolLimits
    private let state = Mutex(State())

    private struct State {
        var idle: [Session] = []
        /// Connections that are idle, lent, or being opened.
        var open = 0
        var waiters: [Waiter] = []
        var waitersEver: UInt64 = 0
        var isClosed = false
    }

    private struct Waiter {
        let number: UInt64
        let continuation: CheckedContinuation<Result<Place, PostgresError>, Never>
    }

    /// What a caller gets: a connection, or the right to open one.
    private enum Place {
        case used(Session)
        case empty
    }

    public init(_ address: Address, limits: PoolLimits = PoolLimits()) {
        self.address = address
        self.limits = limits
    }

    /// Lends a connection for the time of `body`.
    /// - Throws: what `body` threw, `.unavailable` if no connection could be had, `.cancelled`.
    public func withSession<T: Sendable>(
        _ body: (Session) async throws(PostgresError) -> T
    ) async throws(PostgresError) -> T {
        try await withSession(in: try await place(), body)
    }

    private func withSession<T: Sendable>(
        in place: Place, _ body: (Session) async throws(PostgresError) -> T
    ) async throws(PostgresError) -> T {
        let session = try await session(in: place)
        do {
            let value = try await body(session)
            await release(session)
            return value
        } catch {
            await release(session)
            throw error
        }
    }

    /// Lends a connection and runs `body` between BEGIN and COMMIT; its error rolls back.
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

    /// See `Session.pipeline`. A connection that is there is asked, used and given back in one
    /// visit to its thread.
    public func pipeline(_ statements: [SQL]) async throws(PostgresError) -> [Rows] {
        let place = try await place()
        guard case .used(let session) = place else {
            return try await pipeline(statements, in: place)
        }
        do {
            guard let answer = try await session.pipelineIfReady(statements) else {
                return try await pipeline(statements, in: .empty)
            }
            handOn(answer.staysReady ? .used(session) : .empty)
            return answer.rows
        } catch {
            await release(session)
            throw error
        }
    }

    private func pipeline(
        _ statements: [SQL], in place: Place
    ) async throws(PostgresError) -> [Rows] {
        try await withSession(in: place) { session throws(PostgresError) in
            try await session.pipeline(statements)
        }
    }

    /// Refuses whoever waits or comes later. Connections that are lent close when they come back.
    public func close() {
        let (idle, waiters) = state.withLock { state in
            defer {
                state.open -= state.idle.count
                state.idle = []
                state.waiters = []
                state.isClosed = true
            }
            return (state.idle, state.waiters)
        }
        // Dropping the last reference to a connection closes it.
        _ = idle
        for waiter in waiters {
            waiter.continuation.resume(returning: .failure(.unavailable("the pool is closed")))
        }
    }
}

extension Pool {
    private func session(in place: Place) async throws(PostgresError) -> Session {
        switch place {
        case .used(let session):
            if await session.isReady { return session }
        case .empty:
            break
        }
        let session = Session(to: address, limits: limits.session)
        do {
            try await session.open()
            return session
        } catch {
            handOn(.empty)
            throw error
        }
    }

    private func release(_ session: Session) async {
        handOn(await session.isReady ? .used(session) : .empty)
    }

    private func place() async throws(PostgresError) -> Place {
        let number = state.withLock { state in
            state.waitersEver += 1
            return state.waitersEver
        }
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                enter(Waiter(number: number, continuation: continuation))
            }
        } onCancel: {
            dismiss(number, because: .cancelled)
        }
        return try answer.get()
    }

    private func enter(_ waiter: Waiter) {
        let answer: Result<Place, PostgresError>? = state.withLock { state in
            if state.isClosed { return .failure(.unavailable("the pool is closed")) }
            if Task.isCancelled { return .failure(.cancelled) }
            if let session = state.idle.popLast() { return .success(.used(session)) }
            if state.open < limits.connectionsMax {
                state.open += 1
                return .success(.empty)
            }
            guard state.waiters.count < limits.waitersMax else {
                return .failure(.unavailable("too many callers wait for a connection"))
            }
            state.waiters.append(waiter)
            return nil
        }
        if let answer {
            waiter.continuation.resume(returning: answer)
        } else {
            let number = waiter.number
            DispatchQueue.global().asyncAfter(deadline: .now() + limits.waitMax / .seconds(1)) {
                [weak self] in
                self?.dismiss(number, because: .unavailable("no connection became free in time"))
            }
        }
    }

    private func dismiss(_ number: UInt64, because reason: PostgresError) {
        let waiter = state.withLock { state in
            state.waiters.firstIndex { $0.number == number }.map { state.waiters.remove(at: $0) }
        }
        waiter?.continuation.resume(returning: .failure(reason))
    }

    private func handOn(_ place: Place) {
        let waiter: Waiter? = state.withLock { state in
            if !state.waiters.isEmpty { return state.waiters.removeFirst() }
            switch place {
            case .used(let session) where !state.isClosed: state.idle.append(session)
            case .used, .empty: state.open -= 1
            }
            return nil
        }
        waiter?.continuation.resume(returning: .success(place))
    }
}
