import HTTP
import Models
import Synchronization

/// What every call of a connector passes. It says when a call may be made, and is told how each one
/// ended, so that whoever owns the gate can keep a vendor's limits and notice when it is down.
public struct CallGate: Sendable {
    /// Whether the vendor answers at all, found out by a cheap call that passes no gate.
    public typealias Check = @Sendable () async -> Bool

    /// Returns when the call may be made; else throws what to do instead of it.
    public var enter: @Sendable (_ check: Check) async throws(Failure) -> Void
    /// Hears of every call that was made. May throw another failure than the call's own.
    public var leave: @Sendable (CallReport, _ check: Check) async throws(Failure) -> Void
    /// Asked right before a request is sent, however long it waited: false ends the call as
    /// interrupted.
    public var mayContinue: @Sendable () -> Bool = { true }

    public init(
        enter: @escaping @Sendable (_ check: Check) async throws(Failure) -> Void,
        leave: @escaping @Sendable (CallReport, _ check: Check) async throws(Failure) -> Void
    ) {
        self.enter = enter
        self.leave = leave
    }

    /// Lets everything through.
    public static let open = CallGate(enter: { _ in }, leave: { _, _ in })
}

/// How a call ended.
public struct CallReport: Sendable {
    /// HTTP; nil when no answer came.
    public var status: Int?
    /// What the answer, or its absence, means; nil for a success.
    public var failure: Failure?
    /// What PagerDuty said beside its answer.
    public var rateLimit: RateLimit?
    public var took: Duration

    public init(
        status: Int?, failure: Failure?, rateLimit: RateLimit? = nil, took: Duration = .zero
    ) {
        self.status = status
        self.failure = failure
        self.rateLimit = rateLimit
        self.took = took
    }
}

extension CallGate {
    /// Makes a call, between entering and leaving.
    ///
    /// - Parameter judge: what an answer means for the gate; the answer itself is not changed.
    func pass(
        check: Check, judging judge: (HTTPResponse) -> Failure?,
        _ call: () async throws(Failure) -> HTTPResponse
    ) async throws(Failure) -> HTTPResponse {
        try await enter(check)
        guard mayContinue() else { throw .interrupted }
        let began = ContinuousClock.now
        let result: Result<HTTPResponse, Failure>
        var report = CallReport(status: nil, failure: nil)
        do throws(Failure) {
            let response = try await call()
            report.status = response.status
            report.failure = judge(response)
            report.rateLimit = RateLimit(response.headers)
            result = .success(response)
        } catch {
            report.failure = error
            result = .failure(error)
        }
        report.took = ContinuousClock.now - began
        try await leave(report, check)
        return try result.get()
    }

    /// Whether a server answers this request with anything but trouble of its own.
    static func answers(
        _ request: HTTPClientRequest, by send: Send, withinSeconds seconds: Double = 5
    ) async -> Bool {
        var request = request
        request.timeout = .seconds(seconds)
        // It must not wait behind the calls that wait because of what it is to find out.
        request.isUrgent = true
        do throws(HTTPClientError) {
            return try await send(request).status < 500
        } catch {
            switch error {
            // Nothing was found out; nobody is accused of it.
            case .notBegun, .cancelled: return true
            case .notSent, .unknownOutcome: return false
            }
        }
    }
}

extension PagerDuty {
    /// The same account once its next call has been let through; further ones enter `gate`.
    ///
    /// - Throws: what `first` throws instead of letting it through.
    public func admitted(
        by first: CallGate, then gate: CallGate
    ) async throws(Failure) -> PagerDuty {
        try await first.enter(check)
        var admitted = self
        admitted.gate = gate.enteredOnce()
        return admitted
    }
}

extension CallGate {
    fileprivate func enteredOnce() -> CallGate {
        let first = Admission()
        var gate = self
        gate.enter = { check async throws(Failure) in
            if !first.use() { try await enter(check) }
        }
        return gate
    }
}

/// Good for one call.
private final class Admission: Sendable {
    private let isUsed = Atomic(false)

    /// - Returns: false if it was used before.
    func use() -> Bool { !isUsed.exchange(true, ordering: .relaxed) }
}
