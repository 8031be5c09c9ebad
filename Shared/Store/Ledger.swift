import JSON
import Models
import Postgres

/// Rows of the ledger, one for each settled event. The table's primary key makes sure that an event
/// is settled once.
struct LedgerColumns {
    private var lanes: [LaneID] = []
    private var segments: [Segment] = []
    private var sequences: [Int64] = []
    private var attempts: [Int64] = []
    private var outcomes: [String] = []
    private var details: [String?] = []
    private var facts: [String?] = []
    private var configurations: [ConfigurationVersion?] = []

    mutating func append(_ settlement: Settlement, lane: LaneID) {
        lanes.append(lane)
        segments.append(settlement.job.segment)
        sequences.append(settlement.job.sequence)
        attempts.append(Int64(settlement.attempt))
        outcomes.append(settlement.outcome.name)
        details.append(settlement.outcome.detail?.text)
        facts.append(settlement.facts?.text)
        configurations.append(settlement.configurationVersion)
    }

    /// Reads `settled`: the lanes whose fence holds, all of one worker. The test IS TRUE makes the
    /// server hash them, however few it expects. A join would compare every event with every lane.
    var insertion: SQL {
        """
        ledger AS (
            INSERT INTO settlement (segment, lane_id, sequence, attempt, worker, configuration,
                outcome, detail, facts)
            SELECT segment, lane_id, sequence, attempt, (SELECT min(owner) FROM settled),
                configuration, outcome, detail, facts
            FROM unnest(\(lanes), \(segments), \(sequences), \(attempts), \(outcomes), \(details),
                    \(facts), \(configurations))
                AS input (lane_id, segment, sequence, attempt, outcome, detail, facts,
                    configuration)
            WHERE (lane_id IN (SELECT lane_id FROM settled)) IS TRUE)
        """
    }
}

extension Outcome {
    /// The content of the outcome beyond its name, as JSON.
    fileprivate var detail: JSON? {
        switch self {
        case .applied, .unmatched: nil
        case .ignored(let reason): .string(reason)
        case .failed(let cause): cause.json
        }
    }

    /// Reads an outcome of the ledger. Returns nil for one that this program does not know.
    init?(name: String, detail: JSON?) {
        switch name {
        case "applied": self = .applied
        case "unmatched": self = .unmatched
        case "ignored": self = .ignored(reason: detail?.string ?? "")
        case "failed":
            guard let cause = detail.flatMap(Cause.init(json:)) else { return nil }
            self = .failed(cause)
        default: return nil
        }
    }
}

extension Cause {
    var json: JSON {
        var object: JSONObject = [
            "origin": .string(origin.rawValue), "code": .string(code),
            "message": .string(message),
        ]
        object["status"] = status.map { .number(JSONNumber($0)) }
        return .object(object)
    }

    init?(json: JSON) {
        guard let origin = json["origin"]?.string.flatMap(Origin.init(rawValue:)),
            let code = json["code"]?.string, let message = json["message"]?.string
        else { return nil }
        self.init(
            origin, code: code, message: message, status: json["status"]?.int)
    }
}
