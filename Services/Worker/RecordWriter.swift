import Connectors
import Models
import Runtime
import Synchronization

/// Writes of many lanes to one organisation, travelling together: while one call is under way, or
/// while others are about to write, writes gather, and then go in one call. A write that is alone
/// goes by itself and at once.
///
/// There is no loop behind it: of those who wait, the one that came first makes the call for all.
final class RecordWriter: Sendable {
    /// Makes one call; the results stand in the order of the updates. Throws when the call as a
    /// whole failed, or was not made because it might not be continued.
    typealias Send =
        @Sendable (
            [Salesforce.RecordUpdate], RecordWriteOptions, _ mayContinue: @escaping MayContinue
        ) async throws(Failure) -> [Result<RecordID, Failure>]

    /// Whether a lane is still this worker's.
    typealias MayContinue = @Sendable () -> Bool

    /// Longer than this nobody waits for writes that were announced.
    static let gatherSecondsMax = 1.0

    private let send: Send
    private let state = Mutex(WriteQueue())

    init(send: @escaping Send) { self.send = send }

    convenience init(_ salesforce: Salesforce, behind gate: VendorLimiter) {
        self.init { (updates, options, mayContinue) async throws(Failure) in
            let salesforce = salesforce.behind(gate.asCallGate(while: mayContinue))
            // One write is what a plain PATCH is for: it has words of its own for everything.
            guard let update = updates.first, updates.count == 1 else {
                return try await salesforce.updateCollection(updates, options: options)
            }
            _ = try await salesforce.update(update.record, fields: update.fields, options: options)
            return [.success(update.record.id)]
        }
    }

    /// Announces a write for as long as `body` runs: writes that wait already are held back for it.
    ///
    /// - Parameter mayContinue: asked again before the call: a write whose lane was lost meanwhile
    ///   is not made.
    func announced<Value>(
        while mayContinue: @escaping MayContinue,
        _ body: (AnnouncedWrite) async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let number = state.withLock { $0.announce() }
        defer { state.withLock { $0.resolve(number) }?.open() }
        return try await body(
            AnnouncedWrite(number: number, writer: self, mayContinue: mayContinue))
    }

    /// Writes that wait for a call, the one under way not counted.
    var waitingCount: Int { state.withLock { $0.count } }

    fileprivate func write(_ write: WriteQueue.Write) async throws(Failure) {
        switch await turn(of: write) {
        case .ended(let result): try result.get()
        case .lead: try await lead(write)
        }
    }

    private func turn(of write: WriteQueue.Write) async -> WriteQueue.Turn {
        await withCheckedContinuation { continuation in
            let (mayLead, gathered) = state.withLock { $0.arrive(write, continuation) }
            gathered?.open()
            if mayLead { continuation.resume(returning: .lead) }
        }
    }

    /// Makes the call for all who wait, and hands the lead to the first who is left.
    private func lead(_ own: WriteQueue.Write) async throws(Failure) {
        let gathered = Latch()
        if state.withLock({ $0.gather(gathered) }) {
            await gathered.wait(atMost: .seconds(Self.gatherSecondsMax))
        }
        let batch = state.withLock { $0.takeBatch() }
        let results = await results(of: batch.map(\.write))
        let next = state.withLock { $0.endBatch() }
        var ownResult = Result<Void, Failure>.failure(.interrupted)
        for ((write, continuation), result) in zip(batch, results) {
            if write.number == own.number {
                ownResult = result
            } else {
                continuation.resume(returning: .ended(result))
            }
        }
        next?.resume(returning: .lead)
        try ownResult.get()
    }

    private func results(of writes: [WriteQueue.Write]) async -> [Result<Void, Failure>] {
        let entitled = writes.filter { $0.mayContinue() }
        var results: [Int: Result<Void, Failure>] = [:]
        for (write, result) in zip(entitled, await sent(entitled[...])) {
            results[write.number] = result.map { _ in () }
        }
        return writes.map { results[$0.number] ?? .failure(.interrupted) }
    }

    /// One write that spoils a call for all is found by halving.
    private func sent(
        _ writes: ArraySlice<WriteQueue.Write>
    ) async -> [Result<RecordID, Failure>] {
        guard let first = writes.first else { return [] }
        do throws(Failure) {
            return try await send(writes.map(\.update), first.options) {
                writes.allSatisfy { $0.mayContinue() }
            }
        } catch {
            switch error {
            case .permanent where writes.count > 1:
                let middle = writes.startIndex + writes.count / 2
                return await sent(writes[..<middle]) + (await sent(writes[middle...]))
            case .permanent, .retryable, .throttled, .interrupted:
                return writes.map { _ in .failure(error) }
            }
        }
    }
}

/// A write that others may wait for. It exists only within `RecordWriter.announced`.
struct AnnouncedWrite: Sendable {
    fileprivate let number: Int
    fileprivate let writer: RecordWriter
    fileprivate let mayContinue: RecordWriter.MayContinue

    /// Returns when the record has these values. To be called at most once.
    func callAsFunction(
        _ update: Salesforce.RecordUpdate, _ options: RecordWriteOptions
    ) async throws(Failure) {
        try await writer.write(
            WriteQueue.Write(
                number: number, update: update, options: options, mayContinue: mayContinue))
    }
}

/// The writes that wait, and which of them go next: without I/O.
struct WriteQueue {
    struct Write: Sendable {
        let number: Int
        let update: Salesforce.RecordUpdate
        let options: RecordWriteOptions
        let mayContinue: @Sendable () -> Bool
    }

    enum Turn: Sendable {
        case ended(Result<Void, Failure>)
        /// It is this one's turn to make the call.
        case lead
    }

    typealias Waiting = (write: Write, continuation: CheckedContinuation<Turn, Never>)

    private var numbers = 0
    private var announced: Set<Int> = []
    private var waiting: [Waiting] = []
    private var isBusy = false
    /// The announcements that the leader waits for.
    private var gathering: (awaited: Set<Int>, gathered: Latch)?

    mutating func announce() -> Int {
        numbers += 1
        announced.insert(numbers)
        return numbers
    }

    /// - Returns: what to open when nothing more has to be waited for.
    mutating func resolve(_ number: Int) -> Latch? {
        announced.remove(number)
        gathering?.awaited.remove(number)
        guard let gathering, gathering.awaited.isEmpty || isFull else { return nil }
        return gathering.gathered
    }

    /// - Returns: whether it leads, or else what to open because enough are there.
    mutating func arrive(
        _ write: Write, _ continuation: CheckedContinuation<Turn, Never>
    ) -> (mayLead: Bool, gathered: Latch?) {
        waiting.append((write, continuation))
        let gathered = resolve(write.number)
        if isBusy { return (false, gathered) }
        isBusy = true
        return (true, nil)
    }

    /// - Returns: whether there is somebody to wait for.
    mutating func gather(_ gathered: Latch) -> Bool {
        if announced.isEmpty || isFull { return false }
        gathering = (announced, gathered)
        return true
    }

    /// The oldest and all that may travel with it: with the same options, no record twice, in the
    /// order of the records, which is the order in which everybody locks them.
    mutating func takeBatch() -> [Waiting] {
        gathering = nil
        guard let options = waiting.first?.write.options else { return [] }
        var batch: [Waiting] = []
        var left: [Waiting] = []
        var records: Set<RecordID> = []
        for next in waiting {
            let fits = batch.count < Salesforce.collectionMax && next.write.options == options
            // A later write of a record must not overtake one that was left behind.
            let isFirst = records.insert(next.write.update.record.id).inserted
            if fits && isFirst { batch.append(next) } else { left.append(next) }
        }
        waiting = left
        return batch.sorted { $0.write.update.record.id < $1.write.update.record.id }
    }

    /// - Returns: who makes the next call.
    mutating func endBatch() -> CheckedContinuation<Turn, Never>? {
        isBusy = !waiting.isEmpty
        return waiting.first?.continuation
    }

    var count: Int { waiting.count }

    private var isFull: Bool { waiting.count >= Salesforce.collectionMax }
}
