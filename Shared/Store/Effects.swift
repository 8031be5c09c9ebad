import JSON
import Models
import Postgres

extension Store {
    static let effectFactsSchema = """
        ALTER TABLE effect ADD COLUMN facts text;
        COMMENT ON COLUMN effect.facts IS 'what the rules were judged on, in one row of the job';
        """

    static let fingerprintSchema = """
        ALTER TABLE effect
            ADD COLUMN command text,
            ADD COLUMN fingerprint_version int,
            ADD COLUMN fingerprint bytea;
        COMMENT ON COLUMN effect.command IS 'kind of the command';
        COMMENT ON COLUMN effect.fingerprint IS 'hash of the whole command, of that version';
        COMMENT ON COLUMN effect.request IS 'the command as people read it';
        """

    /// The effects that earlier attempts at these jobs recorded.
    public func effects(
        of jobs: [Job], in lane: LaneID
    ) async throws(StoreError) -> [EffectKey: EffectProgress] {
        let statement: SQL = """
            SELECT key, state, result FROM effect
            WHERE lane_id = \(lane) AND sequence = ANY (\(jobs.map(\.sequence)))
                AND segment = ANY (\(jobs.map(\.segment)))
            """
        guard let rows = try await runByIndex([statement]).last else { throw .bug("no answer") }
        let recorded = try rows.mapped { row throws(PostgresError) in
            let (key, state, result) = try row.decoded(String.self, String.self, String?.self)
            return (EffectKey(key), try EffectProgress(state: state, result: result))
        }
        return Dictionary(recorded, uniquingKeysWith: { $1 })
    }

    /// The effects of an event and of its replays.
    ///
    /// - Parameter event: `Event.effectOwner`.
    public func effects(
        ofAll event: EventID, in lane: LaneID
    ) async throws(StoreError) -> EarlierEffects {
        let statement: SQL = """
            SELECT key, state, result, command, fingerprint_version, fingerprint, request, facts
            FROM effect
            WHERE lane_id = \(lane) AND starts_with(key, \("\(event)|".storable))
            ORDER BY sequence, started_at
            """
        guard let rows = try await runByIndex([statement]).last else { throw .bug("no answer") }
        var earlier = EarlierEffects()
        let recorded = try rows.mapped { row throws(PostgresError) in
            var row = row.reader
            let effect = try RecordedEffect(reading: &row)
            let facts: String? = try row.next()
            try row.end()
            return (effect, facts)
        }
        for (effect, facts) in recorded {
            earlier.records.append(effect)
            earlier.facts = earlier.facts ?? facts.flatMap { try? JSON(stored: $0) }
        }
        return earlier
    }

    /// Records that calls are about to be made, of many lanes in one commit. An effect that was
    /// begun before keeps its moment, because another attempt is not another change.
    ///
    /// - Returns: for each effect the permission to make its call, in the same order.
    public func begin(
        _ starts: [EffectStart], _ limits: JournalLimits = JournalLimits()
    ) async throws(StoreError) -> [EffectAdmission] {
        guard !starts.isEmpty else { return [] }
        let statement = EffectStartColumns(starts).statement(limits)
        guard let rows = try await runByIndex([statement]).last else { throw .bug("no answer") }
        var admissions = [EffectAdmission](repeating: .lost, count: starts.count)
        let held = try rows.values(Int.self, String?.self, Int.self, String?.self)
        for (place, earlier, changes, result) in held where admissions.indices.contains(place - 1) {
            admissions[place - 1] =
                switch earlier {
                case "performed": .performed(result.flatMap { try? JSON(stored: $0) } ?? .null)
                case .some: .startedBefore
                case nil: changes < limits.changesMax ? .new : .fused(changes: changes)
                }
        }
        return admissions
    }

    /// Records the ends of calls, of many lanes in one commit, before the next effect of each lane
    /// begins.
    ///
    /// - Returns: for each effect true if its end was recorded, in the same order. If not, the
    ///   lease is lost, and the worker that has the lane now finds the effect recorded as begun.
    public func finish(
        _ ends: [EffectEnd], _ limits: JournalLimits = JournalLimits()
    ) async throws(StoreError) -> [Bool] {
        guard !ends.isEmpty else { return [] }
        let statement = EffectEndColumns(ends).statement(limits)
        guard let rows = try await runByIndex([statement]).last else { throw .bug("no answer") }
        let held = Set(try rows.values(Int.self))
        return ends.indices.map(held.contains)
    }
}

extension RecordedEffect {
    fileprivate init(reading row: inout RowReader) throws(PostgresError) {
        let key: String = try row.next()
        let (state, result): (String, String?) = (try row.next(), try row.next())
        let (kind, version): (String?, Int?) = (try row.next(), try row.next())
        let fingerprint: [UInt8]? = try row.next()
        let request: String? = try row.next()
        let command: RecordedCommand? =
            if let version, let fingerprint {
                .fingerprint(
                    CommandFingerprint(
                        version: version, kind: kind.flatMap(CommandKind.init), digest: fingerprint)
                )
            } else {
                request.flatMap { try? JSON(stored: $0) }.map(RecordedCommand.json)
            }
        self.init(
            key: EffectKey(key), progress: try EffectProgress(state: state, result: result),
            command: command)
    }
}
