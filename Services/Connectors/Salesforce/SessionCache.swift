import Models
import Synchronization

/// One session for all calls, and one login at a time: calls that need a session during a login
/// wait for it and share its result.
///
/// It is no batcher: a batcher sends waiting requests with its next call, while these callers take
/// the result of the login under way; and a caller that is cancelled must leave at once. It is no
/// actor either: a cancellation handler cannot enter an actor without a task of its own.
final class SessionCache: Sendable {
    private struct Callers {
        var queue = SessionQueue()
        var continuations: [SessionCaller: CheckedContinuation<SessionStep, Never>] = [:]
    }

    private let callers = Mutex(Callers())
    private let now: @Sendable () -> Timestamp
    private let login: @Sendable () async throws(Failure) -> SalesforceSession

    init(
        now: @escaping @Sendable () -> Timestamp,
        login: @escaping @Sendable () async throws(Failure) -> SalesforceSession
    ) {
        self.now = now
        self.login = login
    }

    /// The present session, or a new one.
    ///
    /// - Parameter rejected: a session that Salesforce no longer accepts; a later one is returned.
    func session(
        replacing rejected: NumberedSession? = nil
    ) async throws(Failure) -> NumberedSession {
        switch await step(replacing: rejected) {
        case .use(let session): return session
        case .fail(let failure): throw failure
        case .logIn: return try await logIn()
        }
    }

    private func step(replacing rejected: NumberedSession?) async -> SessionStep {
        let caller = callers.withLock { $0.queue.newCaller() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = now()
                let step = callers.withLock { callers in
                    // A cancellation that came first found no continuation to resume.
                    let step = callers.queue.request(
                        by: caller, replacing: rejected, isCancelled: Task.isCancelled, at: now)
                    if step == nil { callers.continuations[caller] = continuation }
                    return step
                }
                if let step { continuation.resume(returning: step) }
            }
        } onCancel: {
            change { $0.cancel(caller) }
        }
    }

    private func logIn() async throws(Failure) -> NumberedSession {
        do {
            let session = try await login()
            return change { $0.loginSucceeded(session) }
        } catch {
            let now = now()
            change { ((), $0.loginFailed(error, at: now)) }
            throw error
        }
    }

    private func change(_ body: (inout SessionQueue) -> [SessionResumption]) {
        change { ((), body(&$0)) }
    }

    private func change<Value>(
        _ body: (inout SessionQueue) -> (Value, [SessionResumption])
    ) -> Value {
        let (value, resumed) = callers.withLock { callers in
            let (value, resumptions) = body(&callers.queue)
            let resumed = resumptions.map { resumption in
                (callers.continuations.removeValue(forKey: resumption.caller), resumption.step)
            }
            return (value, resumed)
        }
        for (continuation, step) in resumed { continuation?.resume(returning: step) }
        return value
    }
}

/// A session and the number of the login that made it: two logins may bring the same token.
struct NumberedSession: Sendable {
    let number: Int
    let session: SalesforceSession
}

/// The next step of a caller that needs a session.
enum SessionStep: Sendable {
    case use(NumberedSession)
    case fail(Failure)
    /// Log in for all callers, and report the result.
    case logIn
}

/// The next step of a caller that waited.
struct SessionResumption: Sendable {
    let caller: SessionCaller
    let step: SessionStep
}

/// The number of a caller that needs a session.
struct SessionCaller: Hashable, Sendable {
    fileprivate let number: Int
}

/// Decides which caller logs in and what the others get: without I/O, clock or continuation.
struct SessionQueue {
    private var current: NumberedSession?
    /// A refusal that is repeated without asking until then: logins are rationed.
    private var refused: (cause: Cause, until: Timestamp)?
    private var isLoggingIn = false
    private var loginCount = 0
    private var callerCount = 0
    /// The callers that wait, in the order of their arrival.
    private var waiting: [SessionCaller] = []

    mutating func newCaller() -> SessionCaller {
        callerCount += 1
        return SessionCaller(number: callerCount)
    }

    /// Returns nil if the caller has to wait for the login under way.
    mutating func request(
        by caller: SessionCaller, replacing rejected: NumberedSession?, isCancelled: Bool,
        at now: Timestamp
    ) -> SessionStep? {
        if let rejected, current?.number == rejected.number { current = nil }
        if let current { return .use(current) }
        if let refused, now < refused.until {
            let left = refused.until.milliseconds - now.milliseconds
            return .fail(.throttled(refused.cause, retryAfter: .milliseconds(left)))
        }
        if isCancelled { return .fail(.interrupted) }
        guard isLoggingIn else {
            isLoggingIn = true
            return .logIn
        }
        waiting.append(caller)
        return nil
    }

    mutating func cancel(_ caller: SessionCaller) -> [SessionResumption] {
        guard let place = waiting.firstIndex(of: caller) else { return [] }
        waiting.remove(at: place)
        return [SessionResumption(caller: caller, step: .fail(.interrupted))]
    }

    mutating func loginSucceeded(
        _ session: SalesforceSession
    ) -> (session: NumberedSession, resumptions: [SessionResumption]) {
        loginCount += 1
        let numbered = NumberedSession(number: loginCount, session: session)
        current = numbered
        refused = nil
        return (numbered, endLogin(.use(numbered)))
    }

    /// The failure is that of all who waited. An interruption concerns only the caller that logged
    /// in: the next one logs in.
    mutating func loginFailed(_ failure: Failure, at now: Timestamp) -> [SessionResumption] {
        switch failure {
        case .interrupted:
            guard let next = waiting.first else {
                isLoggingIn = false
                return []
            }
            waiting.removeFirst()
            return [SessionResumption(caller: next, step: .logIn)]
        case .throttled(let cause, let retryAfter):
            refused = (cause, now.advanced(by: retryAfter))
        case .retryable, .permanent:
            break
        }
        current = nil
        return endLogin(.fail(failure))
    }

    private mutating func endLogin(_ step: SessionStep) -> [SessionResumption] {
        defer { waiting = [] }
        isLoggingIn = false
        return waiting.map { SessionResumption(caller: $0, step: step) }
    }
}
