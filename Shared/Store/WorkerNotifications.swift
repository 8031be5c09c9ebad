import Postgres

extension Store {
    static let channel = "liaison_log"

    /// Tells listening workers that something was appended. It is a transaction of its own: within
    /// the append it would make commits wait for one another (Queue.md 9). It does not wait for the
    /// disk (Queue.md 12): no worker listens after a crash that loses it.
    public func notify() async throws(StoreError) {
        try await pipeline([
            "SELECT set_config('synchronous_commit', 'off', true)",
            "SELECT pg_notify(\(Self.channel), '')",
        ])
    }

    /// The notifications, on a session of its own. Workers poll as well, less often: a notification
    /// may be lost, and none passes a pooler (Queue.md 10).
    public static func notifications(from address: Address) -> NotificationListener {
        NotificationListener(to: address, channels: [channel])
    }
}
