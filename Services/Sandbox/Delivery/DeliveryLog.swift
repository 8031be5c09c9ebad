import JSON
import Models

/// Every message and what became of it, for the control API.
struct DeliveryLog: Sendable {
    private struct DeliveryLogEntry: Sendable {
        let id: Int
        let delivery: NewDelivery
        var attempts: [JSON] = []
        var state = "waiting"
    }

    /// Older ones are forgotten.
    private static let rowsMax = 20_000
    private var rows: [DeliveryLogEntry] = []
    /// The ids before the first row.
    private var forgotten: Int

    init(after forgotten: Int) { self.forgotten = forgotten }

    mutating func add(_ id: Int, _ delivery: NewDelivery) {
        rows.append(DeliveryLogEntry(id: id, delivery: delivery))
        if rows.count > Self.rowsMax * 2 {
            forgotten += rows.count - Self.rowsMax
            rows.removeFirst(rows.count - Self.rowsMax)
        }
    }

    mutating func note(
        _ id: Int, _ result: DeliveryResult, _ outcome: DeliveryOutcome, at now: Timestamp
    ) {
        guard let position = rows.firstIndex(from: id, forgotten: forgotten) else { return }
        let how: JSON =
            switch result {
            case .answered(let response): ["status": JSON(response.status)]
            case .noAnswer(let reason): ["error": .string(reason)]
            }
        rows[position].attempts.append(how.with(["at": .string(now.iso8601)]))
        switch outcome {
        case .delivered: rows[position].state = "delivered"
        case .repeated: rows[position].state = "waiting"
        case .dropped: rows[position].state = "dropped"
        }
    }

    func json(after id: Int) -> JSON {
        .array(
            rows.filter { $0.id > id }.map { row in
                [
                    "id": JSON(row.id), "to": .string(row.delivery.subscriber.description),
                    "url": .string(row.delivery.url), "about": .string(row.delivery.about),
                    "state": .string(row.state), "attempts": .array(row.attempts),
                ]
            })
    }
}

extension Array {
    /// Ids are given out without gaps, from 1.
    fileprivate func firstIndex(from id: Int, forgotten: Int) -> Int? {
        let position = id - 1 - forgotten
        return indices.contains(position) ? position : nil
    }
}
