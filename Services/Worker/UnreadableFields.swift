import Models
import Synchronization

/// Fields that Salesforce has lately refused to show, each with its answer. A rule that names a
/// field which does not exist, or which our user may not see, must not cost calls for every event.
final class UnreadableFields: Sendable {
    private static let rememberedFor = Duration.seconds(300)

    /// Names in lower case: Salesforce does not tell upper case from lower case.
    private struct FieldName: Hashable {
        let object: String
        let field: String

        init(_ field: String, of object: String) {
            self.object = object.lowercased()
            self.field = field.lowercased()
        }
    }

    private let known = Mutex<[FieldName: (cause: Cause, until: ContinuousClock.Instant)]>([:])
    private let now: @Sendable () -> ContinuousClock.Instant

    init(now: @escaping @Sendable () -> ContinuousClock.Instant) { self.now = now }

    /// The reason why the field cannot be read; nil if none is known.
    func cause(for field: String, of object: String) -> Cause? {
        let now = now()
        return known.withLock { known in
            known[FieldName(field, of: object)].flatMap { $0.until > now ? $0.cause : nil }
        }
    }

    func forget() { known.withLock { $0 = [:] } }

    func remember(_ field: String, of object: String, _ cause: Cause) {
        let until = now() + Self.rememberedFor
        known.withLock { $0[FieldName(field, of: object)] = (cause, until) }
    }
}
