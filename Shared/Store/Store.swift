import Models
import Postgres
import Synchronization

/// The tables, and all SQL of the project. One call writes in one transaction. Housekeeping
/// (`maintain`, `move`, `recentDepth`) takes several and may be stopped between any two.
///
/// The database owns the clock: delays are relative, and its time decides if they are over.
public struct Store: Sendable {
    let pool: Pool
    let secretKeys: SecretKeys?
    let floors = LeaseFloors()
    private let numbers = ConnectionNumbers()

    /// - Parameter secretKeys: the keys of the configuration, which other calls do not need.
    public init(_ pool: Pool, secretKeys: SecretKeys? = nil) {
        self.pool = pool
        self.secretKeys = secretKeys
    }

    /// - Throws: `.schemaMismatch` if the database has another schema than this program needs.
    public func requireCurrentSchema() async throws(StoreError) {
        let version = try await run { pool throws(PostgresError) in
            try await pool.withSession { session throws(PostgresError) in
                try await session.schemaVersion()
            }
        }
        guard version == Self.migrations.count else {
            throw .schemaMismatch(found: version, needed: Self.migrations.count)
        }
    }

    /// Runs the body, and again a few times if another transaction was in the way.
    func run<T: Sendable>(
        _ body: (Pool) async throws(PostgresError) -> T
    ) async throws(StoreError) -> T {
        var attemptsLeft = 4
        while true {
            do {
                return try await body(pool)
            } catch .retryable where attemptsLeft > 1 {
                attemptsLeft -= 1
            } catch {
                throw StoreError(error)
            }
        }
    }

    /// Runs one statement, and again a few times if another transaction was in the way.
    @discardableResult
    func query(_ statement: SQL, timeout: Duration? = nil) async throws(StoreError) -> Rows {
        try await run { pool throws(PostgresError) in
            try await pool.query(statement, timeout: timeout)
        }
    }

    /// Runs statements in one transaction, and again a few times if another was in the way.
    @discardableResult
    func pipeline(_ statements: [SQL]) async throws(StoreError) -> [Rows] {
        try await run { pool throws(PostgresError) in try await pool.pipeline(statements) }
    }

    /// Runs statements in one transaction and finds every row through an index. A plan that was
    /// made and kept while a table was small would read the whole table after it has grown, and
    /// planning at every use costs too much. Sorts of some MiB stay in memory.
    func runByIndex(_ statements: [SQL]) async throws(StoreError) -> [Rows] {
        Array(try await pipeline([Self.byIndexOnly] + statements).dropFirst())
    }

    static let byIndexOnly: SQL = """
        SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true),
            set_config('enable_hashjoin', 'off', true),
            set_config('enable_mergejoin', 'off', true), set_config('work_mem', '32MB', true),
            set_config('plan_cache_mode', 'force_generic_plan', true)
        """

    /// The number of a connection in the tables.
    ///
    /// - Throws: `.notFound` if it was never configured.
    func number(of connection: ConnectionID) async throws(StoreError) -> Int32 {
        if let number = numbers[connection] { return number }
        let rows = try await query("SELECT id, number FROM connection")
            .values(String.self, Int32.self)
        for (id, number) in rows { numbers[ConnectionID(id)] = number }
        guard let number = numbers[connection] else {
            throw .notFound(.connection(connection))
        }
        return number
    }
}

/// The numbers of connections that were read before. A number never changes.
private final class ConnectionNumbers: Sendable {
    private let known = Mutex<[ConnectionID: Int32]>([:])

    subscript(_ id: ConnectionID) -> Int32? {
        get { known.withLock { $0[id] } }
        set { known.withLock { $0[id] = newValue } }
    }
}

extension Rows {
    /// Every row as a tuple of these types, in the order of the columns.
    func values<each Column: ColumnValue>(
        _ columns: repeat (each Column).Type
    ) throws(StoreError) -> [(repeat each Column)] {
        do {
            return try decoded(repeat each columns)
        } catch {
            throw StoreError(error)
        }
    }

    /// The only column of every row.
    func values<Column: ColumnValue>(_ column: Column.Type) throws(StoreError) -> [Column] {
        do {
            return try decoded(column)
        } catch {
            throw StoreError(error)
        }
    }

    func mapped<T>(_ transform: (Row) throws(PostgresError) -> T) throws(StoreError) -> [T] {
        var mapped: [T] = []
        mapped.reserveCapacity(count)
        for row in self {
            do {
                mapped.append(try transform(row))
            } catch {
                throw StoreError(error)
            }
        }
        return mapped
    }
}

extension String {
    /// The text without NUL, which PostgreSQL cannot store. No data has one on purpose, and one
    /// event must not keep its whole batch out of the log.
    var storable: String {
        utf8.contains(0)
            ? String(String.UnicodeScalarView(unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 }))
            : self
    }
}
