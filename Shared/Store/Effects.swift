import Models
import Postgres

extension Store {
    /// What earlier attempts at these jobs recorded.
    public func effects(
        of jobs: [Job], in lane: Int64
    ) async throws(StoreError) -> [EffectKey: EffectProgress] {
        let statement: SQL = """
            SELECT key, state, result FROM effect
            WHERE lane_id = \(lane) AND sequence = ANY (\(jobs.map(\.sequence)))
                AND segment = ANY (\(jobs.map(\.segment)))
            """
        guard let rows = try await runByIndex([statement]).last else { throw .defect("no answer") }
        let recorded = try rows.mapped { row throws(PostgresError) in
            let (key, state, result) = try row.decoded(String.self, String.self, String?.self)
            return (EffectKey(key), try EffectProgress(state: state, result: result))
        }
        return Dictionary(recorded, uniquingKeysWith: { $1 })
    }

    /// Records that calls are about to be made, of many lanes in one commit. An effect that was
    /// begun before keeps its moment: one more attempt is not one more change.
    ///
    /// - Returns: for each, whether its call may be made; in the same order.
    public func begin(
        _ starts: [EffectStart], _ limits: JournalLimits = JournalLimits()
    ) async throws(StoreError) -> [EffectStanding] {
        guard !starts.isEmpty else { return [] }
        let statement = EffectStartColumns(starts).statement(limits)
        guard let rows = try await runByIndex([statement]).last else { throw .defect("no answer") }
        var standings = [EffectStanding](repeating: .lost, count: starts.count)
        let held = try rows.mapped { row throws(PostgresError) in
            try row.decoded(Int.self, String?.self, Int.self)
        }
        for (place, earlier, changes) in held where standings.indices.contains(place - 1) {
            standings[place - 1] =
                switch earlier {
                case "performed": .performed
                case .some: .startedBefore
                case nil: changes < limits.changesMax ? .new : .fused(changes: changes)
                }
        }
        return standings
    }

    /// Records how calls ended, of many lanes in one commit, before the next of each lane begins.
    ///
    /// - Returns: for each whether it was recorded; if not, the lease is lost, and whoever has the
    ///   lane now finds the effect recorded as begun. In the same order.
    public func finish(
        _ ends: [EffectEnd], _ limits: JournalLimits = JournalLimits()
    ) async throws(StoreError) -> [Bool] {
        guard !ends.isEmpty else { return [] }
        let statement = EffectEndColumns(ends).statement(limits)
        guard let rows = try await runByIndex([statement]).last else { throw .defect("no answer") }
        let held = Set(try rows.mapped { row throws(PostgresError) in try row.decoded(Int.self) })
        return ends.indices.map(held.contains)
    }
}
