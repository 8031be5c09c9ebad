import Postgres

extension Store {
    static let channel = "liaison_log"

    /// Tells listening workers that something was appended. A transaction of its own: inside of the
    /// append it would make commits wait for one another. At most every 20 ms, please. It does not
    /// wait for the disk: a notify that a crash swallows would find nobody listening.
    public func notify() async throws(StoreError) {
        _ = try await run { pool throws(PostgresError) in
            try await pool.pipeline([
                "SELECT set_config('synchronous_commit', 'off', true)",
                "SELECT pg_notify(\(Self.channel), '')",
            ])
        }
    }

    /// The notifications, on a session of its own. Workers poll as well, less often: a notify may be lost,
    /// and behind a pooler none is heard.
    public static func notifications(from address: Address) -> Listener {
        Listener(to: address, channels: [channel])
    }
}
