import Connectors
import Models
import Synchronization

/// In whose name PagerDuty shows what we do, asked once.
final class OwnUser: Sendable {
    private enum Known {
        case notYet
        /// `nil`: PagerDuty does not tell.
        case user(String?)
    }

    private let known = Mutex(Known.notYet)

    func id(from pagerDuty: PagerDuty) async throws(Failure) -> String? {
        if case .user(let id) = known.withLock({ $0 }) { return id }
        let id = try await pagerDuty.ownUser()
        known.withLock { $0 = .user(id) }
        return id
    }
}
