import HTTP
import Models
import Synchronization

/// The permission that a connector needs for each call. It says when a call may be made and hears
/// how each call ended, so that its owner can keep a vendor's limits and notice an outage.
public struct CallAdmission: Sendable {
    /// Returns true if the vendor answers at all. It makes a cheap call that needs no admission.
    public typealias HealthCheck = @Sendable () async -> Bool

    /// Returns when the call may be made, or throws what to do instead of it.
    public var admit: @Sendable (_ check: HealthCheck) async throws(Failure) -> Void
    /// Receives the report of every call that was made. May throw another failure than the call's
    /// own.
    public var record: @Sendable (CallReport, _ check: HealthCheck) async throws(Failure) -> Void
    /// Asked right before a request is sent, however long it waited: false ends the call as
    /// interrupted.
    public var mayContinue: @Sendable () -> Bool = { true }

    public init(
        admit: @escaping @Sendable (_ check: HealthCheck) async throws(Failure) -> Void,
        record: @escaping @Sendable (CallReport, _ check: HealthCheck) async throws(Failure) -> Void
    ) {
        self.admit = admit
        self.record = record
    }

    /// Admits every call at once.
    public static let unlimited = CallAdmission(admit: { _ in }, record: { _, _ in })
}

/// The end of a call.
public struct CallReport: Sendable {
    /// The HTTP status; nil when no answer came.
    public var status: Int?
    /// The meaning of the answer, or of its absence; nil for a success.
    public var failure: Failure?
    /// The rate limit that PagerDuty's answer stated.
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

extension CallAdmission {
    /// Makes a call once it is admitted, and records how it ended.
    ///
    /// - Parameter judge: returns what an answer means for the admission of further calls; the
    ///   answer itself is not changed.
    func perform(
        check: HealthCheck, judging judge: (HTTPResponse) -> Failure?,
        _ call: () async throws(Failure) -> HTTPResponse
    ) async throws(Failure) -> HTTPResponse {
        try await admit(check)
        guard mayContinue() else { throw .interrupted }
        let began = ContinuousClock.now
        let result: Result<HTTPResponse, Failure>
        var report = CallReport(status: nil, failure: nil)
        do {
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
        try await record(report, check)
        return try result.get()
    }

    /// Returns true if a server answers this request with anything but a server error.
    static func answers(
        _ request: HTTPClientRequest, by send: Send, within timeout: Duration = .seconds(5)
    ) async -> Bool {
        var request = request
        request.timeout = timeout
        // It must not queue behind the calls that wait for its result.
        request.isUrgent = true
        do {
            return try await send(request).status < 500
        } catch {
            switch error {
            // The request was not made: it says nothing against the server.
            case .notBegun, .cancelled: return true
            case .notSent, .unknownOutcome: return false
            }
        }
    }
}

extension PagerDuty {
    /// The same account, whose next call is admitted already; further ones need `admission`.
    ///
    /// - Throws: what `first` throws instead of admitting the call.
    public func admitted(
        by first: CallAdmission, then admission: CallAdmission
    ) async throws(Failure) -> PagerDuty {
        try await first.admit(check)
        var admitted = self
        admitted.admission = admission.admittedOnce()
        return admitted
    }
}

extension CallAdmission {
    fileprivate func admittedOnce() -> CallAdmission {
        let first = SingleUse()
        var admission = self
        admission.admit = { check async throws(Failure) in
            if !first.use() { try await admit(check) }
        }
        return admission
    }
}

/// A permission for one call.
private final class SingleUse: Sendable {
    private let isUsed = Atomic(false)

    /// - Returns: false if it was used before.
    func use() -> Bool { !isUsed.exchange(true, ordering: .relaxed) }
}
