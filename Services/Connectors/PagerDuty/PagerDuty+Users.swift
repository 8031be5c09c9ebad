import JSON
import Models

extension PagerDuty {
    /// The user in whose name writes are made: that of the `From` address or, without one, of the
    /// token. Returns nil if PagerDuty knows no such user or does not tell (PagerDuty.md 42).
    public func ownUser() async throws(Failure) -> String? {
        do throws(Failure) {
            guard let from = settings.from else {
                return try await reply(to: .get("/users/me")) { $0["user"]?["id"]?.string }
            }
            // The query finds parts of names and addresses.
            let call = Call.get("/users", query: [("query", from), ("limit", "100")])
            let users = try await reply(to: call) { $0["users"]?.array }
            return users.first { $0["email"]?.string?.lowercased() == from.lowercased() }?["id"]?
                .string
        } catch .permanent {
            return nil
        }
    }
}
