import Models
import Synchronization

/// Fields that Salesforce has refused to show, as it said lately: a rule that names one which does
/// not exist, or which our user may not see, must not cost calls for every event.
final class UnreadableFields: Sendable {
    private static let rememberedSeconds = 300.0

    private struct Name: Hashable {
        let object: String
        let field: String

        init(_ field: String, of object: String) {
            self.object = object.lowercased()
            self.field = field.lowercased()
        }
    }

    private let known = Mutex<[Name: (cause: Cause, until: Double)]>([:])
    private let seconds: @Sendable () -> Double

    init(seconds: @escaping @Sendable () -> Double) { self.seconds = seconds }

    func cause(for field: String, of object: String) -> Cause? {
        let now = seconds()
        return known.withLock { known in
            known[Name(field, of: object)].flatMap { $0.until > now ? $0.cause : nil }
        }
    }

    func forget() { known.withLock { $0 = [:] } }

    func remember(_ field: String, of object: String, _ cause: Cause) {
        let until = seconds() + Self.rememberedSeconds
        known.withLock { $0[Name(field, of: object)] = (cause, until) }
    }
}
