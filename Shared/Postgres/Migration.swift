/// One step of a schema. Steps are numbered from 1 without gaps. A released step never changes.
public struct Migration: Sendable, Equatable, CustomStringConvertible {
    public let number: Int
    public let name: String
    public let script: String
    public var description: String { "\(number) (\(name))" }

    public init(number: Int, name: String, script: String) {
        self.number = number
        self.name = name
        self.script = script
    }
}

public enum MigrationError: Error, Equatable, Sendable {
    /// A newer program migrated the database. Use that program.
    case databaseIsNewer(version: Int, newestKnown: Int)
    /// The numbers have a gap or are out of order, which is a defect of this program.
    case misnumbered(Migration)
    /// This step was rolled back. The steps before it stay applied.
    case failed(Migration, PostgresError)
    case postgres(PostgresError)
}

extension Session {
    /// The number of the last step that the database has; 0 if it has none.
    public nonisolated func schemaVersion() async throws(PostgresError) -> Int {
        let known = try await query("SELECT to_regclass('migration') IS NOT NULL")
        guard try known.decoded(Bool.self).first == true else { return 0 }
        let version = try await query("SELECT coalesce(max(number), 0) FROM migration")
        return try version.decoded(Int.self).first ?? 0
    }

    /// Applies the missing steps, each in a transaction of its own. If several programs call this
    /// at once, one of them works and the others wait for it.
    ///
    /// - Parameter timeout: the longest time of one step, and of the wait for another program.
    /// - Returns: the steps that this call applied.
    public nonisolated func migrate(
        _ migrations: [Migration], timeout: Duration = .seconds(60)
    ) async throws(MigrationError) -> [Migration] {
        for (index, migration) in migrations.enumerated() where migration.number != index + 1 {
            throw .misnumbered(migration)
        }
        var applied: [Migration] = []
        while let migration = try await nextMigration(of: migrations) {
            let isApplied: Bool
            do {
                isApplied = try await apply(migration, timeout: timeout)
            } catch {
                throw .failed(migration, error)
            }
            if isApplied { applied.append(migration) }
        }
        return applied
    }

    private nonisolated func nextMigration(
        of migrations: [Migration]
    ) async throws(MigrationError) -> Migration? {
        let version: Int
        do { version = try await schemaVersion() } catch { throw .postgres(error) }
        guard version <= migrations.count else {
            throw .databaseIsNewer(version: version, newestKnown: migrations.count)
        }
        return version < migrations.count ? migrations[version] : nil
    }

    /// - Returns: false if another program has applied the step.
    private nonisolated func apply(
        _ migration: Migration, timeout: Duration
    ) async throws(PostgresError) -> Bool {
        try await transaction { session throws(PostgresError) in
            // Two sessions that create the same table collide, so the lock comes first.
            try await session.query(
                "SELECT pg_advisory_xact_lock(hashtext('migration'))",
                timeout: timeout)
            try await session.query(
                """
                CREATE TABLE IF NOT EXISTS migration (
                    number int PRIMARY KEY,
                    name text NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT now())
                """)
            let claimed = try await session.query(
                """
                INSERT INTO migration (number, name) VALUES (\(migration.number), \(migration.name))
                ON CONFLICT DO NOTHING
                """)
            guard claimed.affected == 1 else { return false }
            try await session.script(migration.script, timeout: timeout)
            return true
        }
    }
}
