import Models
import Postgres
import Synchronization

/// The reason why a connection was not moved. Nothing has changed except in the last two cases.
public enum MoveError: Error, Equatable, Sendable {
    case otherSchema(here: Int, there: Int)
    /// The other database already has events of the connection.
    case eventsThere
    /// The connection is blocked for good: it was moved, or the outcome of a move is unknown. Look
    /// for its events in other databases. If none has them, move it with `force`.
    case blocked
    /// Deliveries still come in, or workers still have lanes of it. Try again when it is quiet.
    case notQuiet
    case failed(StoreError)
    /// Nothing was copied, but the connection could not be unblocked.
    case stillBlocked(StoreError)
    /// The session broke while the other database was committing. Look there for the lanes. Here
    /// the connection stays blocked.
    case unknownOutcome
}

extension Store {
    /// Copies the data of one connection into another database: its log with ledger and effects,
    /// its lanes, its links, and its deduplication keys. Nothing is deleted here, but no worker of
    /// this database works on the connection any more.
    ///
    /// All keys are made of the connection's name, so they mean the same in both databases,
    /// whatever number the connection has there. Budgets stay behind, and refill. In the ledger the
    /// numbers of workers and of configuration versions stay behind, because they belong to this
    /// database.
    ///
    /// - Parameters:
    ///   - target: a database with the connection, from a configuration that was applied there.
    ///   - force: true also moves a connection that an earlier move has blocked.
    ///   - quietMax: the longest wait for workers that have lanes of the connection.
    ///   - renewal: the shortest time between two renewals of the block during the copy.
    /// - Returns: the number of copied rows of each table.
    public func move(
        _ connection: ConnectionID, to target: Store, force: Bool = false,
        quietMax: Duration = .seconds(120), renewal: Duration = .seconds(10)
    ) async throws(MoveError) -> [(table: String, rows: Int)] {
        let move = try await Move(
            connection, from: self, to: target, renewal: Renewal(every: renewal))
        try await move.requireSameSchema()
        try await move.requireNoEventsThere()
        if move.isBlocked, !force { throw .blocked }
        do {
            let totals = try await move.quietLanes(waitingMax: quietMax)
            try await move.makeRoom()
            return try await move.copy(ifStillAt: totals)
        } catch {
            if error != .unknownOutcome, !move.isBlocked { try await move.unblock() }
            throw error
        }
    }
}

extension Store {
    fileprivate func isBlockedForGood(_ connection: ConnectionID) async throws(StoreError) -> Bool {
        try await query(
            """
            SELECT blocked_until = 'infinity' FROM connection
            WHERE id = \(connection.rawValue)
            """
        ).values(Bool.self) == [true]
    }
}

/// The move of one connection from one database into another.
private struct Move {
    private let source: Store
    private let target: Store
    /// The connection's numbers here and there.
    private let old: SQL
    private let new: SQL
    /// True if the connection was blocked for good before, and stays so.
    let isBlocked: Bool
    private let renewal: Renewal

    init(
        _ connection: ConnectionID, from source: Store, to target: Store, renewal: Renewal
    ) async throws(MoveError) {
        (self.source, self.target, self.renewal) = (source, target, renewal)
        do {
            old = "\(unescaped: String(try await source.number(of: connection)))"
            new = "\(unescaped: String(try await target.number(of: connection)))"
            isBlocked = try await source.isBlockedForGood(connection)
        } catch {
            throw .failed(error)
        }
    }

    func requireSameSchema() async throws(MoveError) {
        let (here, there) = try await mappingErrors { () throws(PostgresError) in
            (
                try await source.pool.withSession(Self.schemaVersion),
                try await target.pool.withSession(Self.schemaVersion)
            )
        }
        guard here == there else { throw .otherSchema(here: here, there: there) }
    }

    private static func schemaVersion(_ session: Session) async throws(PostgresError) -> Int {
        try await session.schemaVersion()
    }

    func requireNoEventsThere() async throws(MoveError) {
        let lanes = try await mappingErrors { () throws(PostgresError) in
            try await target.pool.query(
                "SELECT EXISTS (SELECT FROM lane WHERE connection = \(new))"
            ).decoded(Bool.self)
        }
        guard lanes == [false] else { throw .eventsThere }
    }

    /// Renews the block. If this program ends during the copy, the connection is free again soon.
    /// The renewals are few, because the snapshot of the copy keeps every version of that row.
    private func blockForAMinute() async throws(PostgresError) {
        guard !isBlocked, renewal.isDue() else { return }
        try await block(until: "now() + interval '1 minute'")
    }

    func unblock() async throws(MoveError) {
        var attemptsLeft = 5
        while true {
            do {
                return try await block(until: "'epoch'")
            } catch {
                attemptsLeft -= 1
                guard attemptsLeft > 0 else { throw .stillBlocked(StoreError(error)) }
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    private func block(until moment: SQL) async throws(PostgresError) {
        try await source.pool.query(
            "UPDATE connection SET blocked_until = \(moment) WHERE number = \(old)")
    }

    func quietLanes(waitingMax: Duration) async throws(MoveError) -> LaneTotals {
        let end = ContinuousClock.now + waitingMax
        repeat {
            let totals = try await mappingErrors { () throws(PostgresError) in
                try await blockForAMinute()
                return try await readTotals()
            }
            if totals.leased == 0 { return totals }
            try? await Task.sleep(for: .milliseconds(200))
        } while ContinuousClock.now < end
        throw .notQuiet
    }

    private func readTotals() async throws(PostgresError) -> LaneTotals {
        let rows = try await source.pool.query(
            """
            SELECT count(*) FILTER (WHERE state = 2), count(*), coalesce(sum(tail), 0)::bigint,
                coalesce(sum(done), 0)::bigint, coalesce(sum(epoch), 0)::bigint
            FROM lane WHERE connection = \(old)
            """)
        guard let row = rows.first else { throw .row("no answer") }
        return LaneTotals(
            try row.decoded(Int64.self, Int64.self, Int64.self, Int64.self, Int64.self))
    }

    /// Creates the days and periods of the log that the other database does not have yet.
    func makeRoom() async throws(MoveError) {
        try await mappingErrors { () throws(PostgresError) in
            for segment in try await partitions(of: "job") {
                try await target.pool.query("SELECT create_segment(\(segment))")
            }
            for period in try await partitions(of: "deduplication") {
                try await target.pool.query(
                    "SELECT create_partition('deduplication', \(period), '')")
            }
        }
    }

    private func partitions(of table: String) async throws(PostgresError) -> [Int32] {
        try await source.pool.query(Store.partitions(of: table)).decoded(Int32.self)
    }

    /// Copies from one snapshot here in one transaction there, which commits only if no lane
    /// changed meanwhile. That is checked after the block, when no worker can lease any more.
    func copy(
        ifStillAt totals: LaneTotals
    ) async throws(MoveError) -> [(table: String, rows: Int)] {
        try await mappingErrors { () throws(PostgresError) in
            try await target.pool.withTransaction { there throws(PostgresError) in
                do throws(PostgresError) {
                    try await there.query(Self.noIdleTimeout)
                    let rows = try await source.pool.withTransaction { here throws(PostgresError) in
                        try await here.query(
                            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                        try await here.query(Self.noIdleTimeout)
                        return try await copyTables(from: here, into: there)
                    }
                    try await block(until: "'infinity'")
                    guard try await readTotals() == totals else {
                        throw .retryable(sqlState: "40001")
                    }
                    return rows
                } catch .unknownOutcome {
                    throw .unavailable("the connection broke before the commit")
                }
            }
        }
    }

    /// Lets each of the two transactions wait for the other.
    private static let noIdleTimeout: SQL = """
        SELECT set_config('idle_in_transaction_session_timeout', '0', true)
        """

    private func copyTables(
        from here: Session, into there: Session
    ) async throws(PostgresError) -> [(table: String, rows: Int)] {
        var copied: [(table: String, rows: Int)] = []
        for table in MovedTable.all {
            let rows = try await here.copy(
                table.rows(of: old, as: new), into: table.target, of: there,
                between: blockForAMinute)
            copied.append((table.name, rows))
        }
        try await copySeen(from: here, into: there)
        return copied
    }

    /// Copies all deduplication keys, because they do not tell their connection. It copies in
    /// portions and renews the block between them.
    private func copySeen(from here: Session, into there: Session) async throws(PostgresError) {
        try await there.query(
            "CREATE TEMPORARY TABLE seen (period int, hash bytea) ON COMMIT DROP")
        for period in try await partitions(of: "deduplication") {
            for portion in 0..<Self.portions {
                _ = try await here.copy(
                    Self.seen(in: portion, of: period), into: "seen (period, hash)", of: there,
                    between: blockForAMinute)
                try await there.query(
                    """
                    INSERT INTO deduplication (period, hash)
                    SELECT period, hash FROM seen ORDER BY hash
                    ON CONFLICT DO NOTHING
                    """, timeout: .seconds(50))
                try await there.query("TRUNCATE seen")
                try await blockForAMinute()
            }
        }
    }

    private static let portions = 64

    /// The keys of one portion, by the first byte of the hash, which is evenly distributed.
    private static func seen(in portion: Int, of period: Int32) -> SQL {
        func bound(_ portion: Int) -> SQL {
            let byte = String(portion * 256 / portions, radix: 16)
            return "'\\x\(unescaped: byte.count < 2 ? "0" + byte : byte)'"
        }
        let rows: SQL = """
            SELECT period, hash FROM deduplication
            WHERE period = \(unescaped: String(period)) AND hash >= \(bound(portion))
            """
        return portion + 1 < portions ? "\(rows) AND hash < \(bound(portion + 1))" : rows
    }

    private func mappingErrors<T>(
        _ body: () async throws(PostgresError) -> T
    ) async throws(MoveError) -> T {
        do {
            return try await body()
        } catch .retryable {
            throw .notQuiet
        } catch .unknownOutcome {
            throw .unknownOutcome
        } catch {
            throw .failed(StoreError(error))
        }
    }
}

/// The moment of the last renewal of the block.
private final class Renewal: Sendable {
    private let period: Duration
    private let last = Mutex<ContinuousClock.Instant?>(nil)

    init(every period: Duration) { self.period = period }

    func isDue() -> Bool {
        last.withLock { last in
            let now = ContinuousClock.now
            if let last, now - last < period { return false }
            last = now
            return true
        }
    }
}

/// Totals of a connection's lanes, which any append, lease or settlement changes.
private struct LaneTotals: Equatable {
    let leased: Int64
    private let lanes: Int64
    private let tails: Int64
    private let dones: Int64
    private let epochs: Int64

    init(_ columns: (Int64, Int64, Int64, Int64, Int64)) {
        (leased, lanes, tails, dones, epochs) = columns
    }
}

/// A table with rows of one connection, and its columns that mean the same in another database.
private struct MovedTable {
    let name: String
    private let columns: [String]
    private let owner: Owner

    private enum Owner {
        /// The table has the connection's number.
        case connection
        /// The table has the lane's id.
        case lane
    }

    private init(_ name: String, of owner: Owner, _ columns: String) {
        self.name = name
        self.owner = owner
        self.columns = columns.split(separator: " ").map(String.init)
    }

    static let all = [
        MovedTable(
            "lane", of: .connection,
            "lane_id connection state attempt tail done epoch ready_at segment tail_segment key"),
        MovedTable(
            "job", of: .connection,
            """
            segment lane_id sequence connection occurred_at appended_at event_id source kind \
            format payload replay_scope replay_of replay_effect_owner
            """),
        MovedTable(
            "settlement", of: .lane,
            "segment lane_id sequence attempt settled_at outcome detail facts"),
        MovedTable(
            "effect", of: .lane,
            """
            segment lane_id sequence key state started_at ended_at command fingerprint_version \
            fingerprint request result facts
            """),
        MovedTable(
            "postponement", of: .lane, "lane_id sequence attempt postponed_at cause"),
        MovedTable(
            "link", of: .connection, "connection incident_id record_key record_id object linked_at"),
        MovedTable(
            "journal", of: .connection, "connection target field hash written_at expires_at"),
    ]

    var target: SQL { "\(unescaped: name) (\(unescaped: columns.joined(separator: ", ")))" }

    func rows(of old: SQL, as new: SQL) -> SQL {
        let values = columns.map { (column: String) -> SQL in
            column == "connection" ? new : "\(unescaped: column)"
        }
        let list = values.dropFirst().reduce(values[0]) { "\($0), \($1)" }
        let condition: SQL =
            switch owner {
            case .connection: "connection = \(old)"
            case .lane: "lane_id IN (SELECT lane_id FROM lane WHERE connection = \(old))"
            }
        return "SELECT \(list) FROM \(unescaped: name) WHERE \(condition)"
    }
}
