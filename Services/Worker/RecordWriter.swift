import Connectors
import Models
import Runtime

/// Writes of many lanes to one organisation, many in one call: writes gather while a call is under
/// way, or while announced writes are expected. A write that is alone goes by itself and at once.
final class RecordWriter: Sendable {
    /// Makes one call; the results stand in the order of the updates. Throws if the call as a whole
    /// failed, or was not made because it may not be continued.
    typealias Send =
        @Sendable (
            [Salesforce.RecordUpdate], RecordWriteOptions, _ mayContinue: @escaping MayContinue
        ) async throws(Failure) -> [Result<RecordID, Failure>]

    /// Returns true while this worker holds the lane of a write.
    typealias MayContinue = @Sendable () -> Bool

    /// The longest that a call waits for announced writes.
    static let gatherMax = Duration.seconds(1)

    fileprivate typealias WriteBatcher = Batcher<LaneWrite, Result<Void, Failure>>

    private let batcher: WriteBatcher

    init(send: @escaping Send) {
        // Calls lock records in the order of their ids, so that no two wait for each other.
        let policy = BatchPolicy<LaneWrite>(
            requestsMax: Salesforce.collectionMax, gatherMax: Self.gatherMax,
            group: { $0.options }, identity: { $0.record.id },
            precedes: { $0.record.id < $1.record.id })
        batcher = Batcher(policy) { await RecordWriter.results(of: $0, send) }
    }

    convenience init(_ salesforce: Salesforce, limitedBy limiter: VendorLimiter) {
        self.init { (updates, options, mayContinue) async throws(Failure) in
            let salesforce = salesforce.admitted(by: limiter.admission(while: mayContinue))
            // A plain PATCH names the problem of one record better than a collection does.
            guard let update = updates.first, updates.count == 1 else {
                return try await salesforce.updateCollection(updates, options: options)
            }
            _ = try await salesforce.update(update.record, fields: update.fields, options: options)
            return [.success(update.record.id)]
        }
    }

    /// Announces a write for as long as `body` runs: calls that have not begun wait for it.
    ///
    /// - Parameter mayContinue: asked again before the call: a write whose lane was lost meanwhile
    ///   is not made.
    func announced<Value>(
        while mayContinue: @escaping MayContinue,
        _ body: (AnnouncedWrite) async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let announcement = batcher.announce()
        defer { batcher.withdraw(announcement) }
        return try await body(
            AnnouncedWrite(
                announcement: announcement, batcher: batcher, mayContinue: mayContinue))
    }
}

/// A write that other writes may wait for. It exists only within `RecordWriter.announced`.
struct AnnouncedWrite: Sendable {
    fileprivate let announcement: BatchAnnouncement
    fileprivate let batcher: RecordWriter.WriteBatcher
    fileprivate let mayContinue: RecordWriter.MayContinue

    /// Returns when the record has these values. To be called at most once.
    func callAsFunction(
        _ update: Salesforce.RecordUpdate, _ options: RecordWriteOptions
    ) async throws(Failure) {
        let write = LaneWrite(update: update, options: options, mayContinue: mayContinue)
        guard let result = await batcher(write, announcedAs: announcement) else {
            throw .interrupted
        }
        try result.get()
    }
}

private struct LaneWrite: Sendable {
    let update: Salesforce.RecordUpdate
    let options: RecordWriteOptions
    let mayContinue: RecordWriter.MayContinue

    var record: RecordReference { update.record }
}

extension RecordWriter {
    /// Writes together whatever may still be written. A write whose lane was lost is interrupted.
    private static func results(
        of writes: [LaneWrite], _ send: Send
    ) async -> [Result<Void, Failure>] {
        let mayContinue = writes.map { $0.mayContinue() }
        let entitled = zip(writes, mayContinue).compactMap { $1 ? $0 : nil }
        var sent = await results(ofEntitled: entitled[...], send).makeIterator()
        return mayContinue.map { mayContinue in
            mayContinue ? sent.next() ?? .failure(.interrupted) : .failure(.interrupted)
        }
    }

    /// A record that makes Salesforce refuse the whole call is found by halving.
    private static func results(
        ofEntitled writes: ArraySlice<LaneWrite>, _ send: Send
    ) async -> [Result<Void, Failure>] {
        guard let first = writes.first else { return [] }
        do {
            let results = try await send(writes.map(\.update), first.options) {
                writes.allSatisfy { $0.mayContinue() }
            }
            return results.map { $0.map { _ in } }
        } catch {
            switch error {
            case .permanent where writes.count > 1:
                let middle = writes.startIndex + writes.count / 2
                let left = await results(ofEntitled: writes[..<middle], send)
                return left + (await results(ofEntitled: writes[middle...], send))
            case .permanent, .retryable, .throttled, .interrupted:
                return writes.map { _ in .failure(error) }
            }
        }
    }
}
