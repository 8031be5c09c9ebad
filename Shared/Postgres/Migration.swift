/// One step of a schema. Steps are numbered from 1 without gaps and never change once released.
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
    /// The database was migrated by a newer program: use that one.
    case databaseIsNewer(version: Int, newestKnown: Int)
    /// Numbers have a gap or are out of order: a defect of this program.
    case misnumbered(Migration)
    /// The step was rolled back whole; those before it stay.
    case failed(Migration, PostgresError)
    case postgres(PostgresError)
}

extension Session {
    /// The number of the last step that this database has, 0 for none.
    public nonisolated func schemaVersion() async throws(PostgresError) -> Int {
        let known = try await query("SELECT to_regclass('migration') IS NOT NULL")
        guard try known.decoded(Bool.self).first == true else { return 0 }
        let version = try await query("SELECT coalesce(max(number), 0) FROM migration")
        return try version.decoded(Int.self).first ?? 0
    }

    /// Applies the steps that are missing, each in a transaction of its own. Of several programs
    /// that do this at once one works and the others wait for it.
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

    /// - Returns: `false` if somebody else was faster.
    private nonisolated func apply(
        _ migration: Migration, timeout: Duration
    ) async throws(PostgresError) -> Bool {
        try await transaction { session throws(PostgresError) in
            // The lock comes first: two sessions that create the same table collide.
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
