import Postgres

extension Store {
    /// The steps of the schema. A released step never changes.
    public static let migrations: [Migration] = [
        Migration(number: 1, name: "log, lanes, ledger", script: logSchema),
        Migration(number: 2, name: "configuration and knowledge", script: configurationSchema),
        Migration(number: 3, name: "breakers", script: breakerSchema),
        Migration(number: 4, name: "depth reading", script: depthSchema),
        Migration(number: 5, name: "postponements", script: postponementSchema),
        Migration(number: 6, name: "days of the log", script: segmentSchema),
        Migration(number: 7, name: "facts of begun effects", script: effectFactsSchema),
        Migration(number: 8, name: "generations of leases", script: generationSchema),
        Migration(
            number: 9, name: "fingerprints and replay origins",
            script: fingerprintSchema + replaySchema),
        Migration(number: 10, name: "origins of earlier replays", script: earlierReplays),
    ]

    /// A step may read the whole log.
    private static let stepMax = Duration.seconds(3600)

    /// Brings the database to this program's schema and creates partitions for today's events.
    ///
    /// - Returns: the steps that this call applied.
    public static func migrate(_ address: Address) async throws(MigrationError) -> [Migration] {
        let session = Session(to: address)
        do {
            try await session.open()
        } catch {
            throw .postgres(error)
        }
        let applied = try await session.migrate(migrations, timeout: stepMax)
        do {
            try await session.query("SELECT create_partitions(ahead => \(Retention.segmentsAhead))")
        } catch {
            throw .postgres(error)
        }
        await session.close()
        return applied
    }
}
