import Models
import Synchronization

/// One session for everybody, and one login at a time: whoever comes while a login is under way
/// waits for it and shares its result.
///
/// Not an actor: a waiter that is cancelled must leave at once, and a cancellation handler cannot
/// enter an actor without a task of its own.
final class SessionCache: Sendable {
    /// A session and which login made it: two logins may bring the same token.
    struct Numbered: Sendable {
        let number: Int
        let session: Session
    }

    private enum Turn {
        case use(Numbered)
        case fail(Failure)
        case logIn
    }

    private struct State {
        var current: Numbered?
        /// A refusal to be repeated without asking until then: logins are limited
        /// (Salesforce.md 8).
        var refused: (cause: Cause, until: Timestamp)?
        var isLoggingIn = false
        var logins = 0
        var arrivals = 0
        var waiting: [Int: CheckedContinuation<Turn, Never>] = [:]

        /// Gives those who waited for it.
        mutating func endLogin() -> [CheckedContinuation<Turn, Never>] {
            defer { waiting = [:] }
            isLoggingIn = false
            return Array(waiting.values)
        }
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> Timestamp
    private let login: @Sendable () async throws(Failure) -> Session

    init(
        now: @escaping @Sendable () -> Timestamp,
        login: @escaping @Sendable () async throws(Failure) -> Session
    ) {
        self.now = now
        self.login = login
    }

    /// The present session, or a new one.
    ///
    /// - Parameter rejected: one that Salesforce no longer accepts; a later one will do.
    func session(replacing rejected: Numbered? = nil) async throws(Failure) -> Numbered {
        switch await turn(replacing: rejected) {
        case .use(let session): return session
        case .fail(let failure): throw failure
        case .logIn: return try await logIn()
        }
    }

    private func turn(replacing rejected: Numbered?) async -> Turn {
        let arrival = state.withLock { state in
            state.arrivals += 1
            return state.arrivals
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let turn = arrive(arrival, replacing: rejected, continuation)
                if let turn { continuation.resume(returning: turn) }
            }
        } onCancel: {
            let waiting = state.withLock { $0.waiting.removeValue(forKey: arrival) }
            waiting?.resume(returning: .fail(.interrupted))
        }
    }

    /// The turn, when it is clear at once; else the continuation is kept.
    private func arrive(
        _ arrival: Int, replacing rejected: Numbered?,
        _ continuation: CheckedContinuation<Turn, Never>
    ) -> Turn? {
        let now = now()
        return state.withLock { state in
            if let rejected, state.current?.number == rejected.number { state.current = nil }
            if let current = state.current { return .use(current) }
            if let refused = state.refused, now < refused.until {
                let left = Double(refused.until.milliseconds - now.milliseconds) / 1000
                return .fail(.throttled(refused.cause, retryAfterSeconds: left))
            }
            // The handler of a cancellation that came first has found nothing to remove.
            if Task.isCancelled { return .fail(.interrupted) }
            guard state.isLoggingIn else {
                state.isLoggingIn = true
                return .logIn
            }
            state.waiting[arrival] = continuation
            return nil
        }
    }

    private func logIn() async throws(Failure) -> Numbered {
        do {
            return share(try await login())
        } catch {
            switch error {
            case .interrupted: handOver()
            case .retryable, .throttled, .permanent: share(error)
            }
            throw error
        }
    }

    private func share(_ session: Session) -> Numbered {
        let (numbered, waiting) = state.withLock { state in
            state.logins += 1
            let numbered = Numbered(number: state.logins, session: session)
            state.current = numbered
            state.refused = nil
            return (numbered, state.endLogin())
        }
        for continuation in waiting { continuation.resume(returning: .use(numbered)) }
        return numbered
    }

    private func share(_ failure: Failure) {
        let now = now()
        let waiting = state.withLock { state in
            state.current = nil
            if case .throttled(let cause, let seconds) = failure {
                state.refused = (cause, now.advanced(by: .seconds(seconds)))
            }
            return state.endLogin()
        }
        for continuation in waiting { continuation.resume(returning: .fail(failure)) }
    }

    /// The one who logged in was told to stop; that concerns none of the others.
    private func handOver() {
        let next = state.withLock { state -> CheckedContinuation<Turn, Never>? in
            guard let arrival = state.waiting.keys.min() else {
                state.isLoggingIn = false
                return nil
            }
            return state.waiting.removeValue(forKey: arrival)
        }
        next?.resume(returning: .logIn)
    }
}
