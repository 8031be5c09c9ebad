import Connectors
import Models
import Synchronization

/// Our user in PagerDuty, asked once.
final class OwnUser: Sendable {
    private enum Knowledge {
        case notAsked
        /// Nil if PagerDuty does not tell.
        case user(String?)
    }

    private let knowledge = Mutex(Knowledge.notAsked)

    /// Returns nil if PagerDuty does not tell.
    func id(from pagerDuty: PagerDuty) async throws(Failure) -> String? {
        if case .user(let id) = knowledge.withLock({ $0 }) { return id }
        let id = try await pagerDuty.ownUser()
        knowledge.withLock { $0 = .user(id) }
        return id
    }
}
