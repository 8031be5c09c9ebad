/// The yardstick of `ingest`: each transaction inserts one row with the same 2 KiB, on the same
/// server. The table costs as little as possible: it has one ascending key, and the text stands in
/// the row, not compressed, as in the log.
struct SingleInsert {
    static let clients = 64

    let pgbench: PgBench

    init(in environment: BenchEnvironment, on database: BenchDatabase) async throws {
        pgbench = environment.pgbench(on: database)
        try await database.pool.query(
            """
            CREATE TABLE single_insert (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload text NOT NULL
            ) WITH (toast_tuple_target = 8160)
            """)
        try await database.pool.query(
            "ALTER TABLE single_insert ALTER COLUMN payload SET STORAGE EXTERNAL")
    }

    func run(for duration: Duration, ratePerSecond: Double? = nil) throws -> PgBench.Result {
        let webhook = Webhooks(incidents: 1)
        let payload = String(decoding: webhook.template.suffix(Webhooks.bodyBytes), as: UTF8.self)
        let run = PgBench.Run(
            script: "INSERT INTO single_insert (payload) VALUES (:payload);\n",
            clients: Self.clients, end: .after(duration), ratePerSecond: ratePerSecond,
            variables: ["payload": payload])
        return try pgbench.run(run, keepsLatency: ratePerSecond != nil)
    }
}
