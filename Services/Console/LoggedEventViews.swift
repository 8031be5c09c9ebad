import JSON
import Models
import Store

/// The views of a logged event for people and for programs.
extension LoggedEvent {
    var outcomeName: String { ending?.outcome.name ?? "waiting" }

    /// The reason of the outcome, or of the postponement of a waiting event; may be empty.
    var cause: String {
        switch ending?.outcome {
        case nil: postponement?.cause.description ?? ""
        case .applied, .unmatched: ""
        case .ignored(let reason): reason
        case .failed(let cause): cause.description
        }
    }

    var payload: JSON {
        let bytes = job.event.payload
        return (try? JSON(parsing: bytes, limits: .accepted(bytes: bytes.count)))
            ?? .string(String(decoding: bytes, as: UTF8.self))
    }

    var row: [String] {
        let event = job.event
        return [
            appendedAt.iso8601, event.connection.rawValue, event.kind.rawValue,
            event.lane.rawValue, event.id.rawValue, outcomeName,
            (ending?.attempt ?? postponement?.attempts).map { String($0) } ?? "", cause,
        ]
    }

    var headLines: [String] {
        let event = job.event
        var rows = [
            ("event", event.id.rawValue), ("connection", event.connection.rawValue),
            ("kind", event.kind.rawValue),
            ("source", "\(event.source.rawValue), as \(event.format.rawValue)"),
            ("lane", "\(event.lane), number \(job.sequence)"),
            ("occurred", event.occurredAt.iso8601), ("appended", appendedAt.iso8601),
            ("outcome", cause.isEmpty ? outcomeName : "\(outcomeName): \(cause)"),
        ]
        if let ending {
            let worker = ending.worker.map { " by worker \($0)" } ?? ""
            rows.append(("settled", "\(ending.settledAt), attempt \(ending.attempt)\(worker)"))
        }
        if let postponement {
            rows.append(
                (
                    "postponed",
                    "\(postponement.postponedAt), attempts so far \(postponement.attempts), "
                        + "due again \(postponement.dueAt)"
                ))
        }
        if let version = ending?.configurationVersion {
            rows.append(("rules", "version \(version)"))
        }
        return rows.map { name, value in
            name + String(repeating: " ", count: 12 - name.count) + value
        }
    }

    /// One line of `events --json`.
    var json: JSON {
        let event = job.event
        var object: JSONObject = [
            "id": .string(event.id.rawValue), "connection": .string(event.connection.rawValue),
            "source": .string(event.source.rawValue), "kind": .string(event.kind.rawValue),
            "format": .string(event.format.rawValue), "lane": .string(event.lane.rawValue),
            "sequence": .number(JSONNumber(Int(job.sequence))),
            "occurredAt": .string(event.occurredAt.iso8601),
            "appendedAt": .string(appendedAt.iso8601), "outcome": .string(outcomeName),
        ]
        object["cause"] = cause.isEmpty ? nil : .string(cause)
        if let ending {
            object["attempt"] = .number(JSONNumber(ending.attempt))
            object["worker"] = ending.worker.map { .string($0.description) }
            object["settledAt"] = .string(ending.settledAt.iso8601)
            object["configurationVersion"] = ending.configurationVersion.map {
                .number(JSONNumber(Int($0.rawValue)))
            }
        }
        if let postponement {
            object["attempt"] = .number(JSONNumber(postponement.attempts))
            object["postponedAt"] = .string(postponement.postponedAt.iso8601)
            object["dueAt"] = .string(postponement.dueAt.iso8601)
        }
        object["cursor"] = .string(cursor.description)
        return .object(object)
    }

    /// `event --json`.
    func json(
        _ effects: [(key: EffectKey, value: EffectProgress)], _ explanation: Explanation
    ) -> JSON {
        guard case .object(var object) = json else { return json }
        object["payload"] = payload
        object["facts"] = ending?.facts
        object["effects"] = .array(effects.map { $0.value.json(key: $0.key) })
        object["explanation"] = explanation.json
        return .object(object)
    }
}

extension EffectProgress {
    var text: String {
        switch self {
        case .started: "was begun; its result is not known"
        case .ended(.performed(let result)): "performed \(result.text)"
        case .ended(.failed(let cause)): "failed: \(cause)"
        }
    }

    func json(key: EffectKey) -> JSON {
        var object: JSONObject = ["key": .string(key.rawValue)]
        switch self {
        case .started: object["state"] = "started"
        case .ended(.performed(let result)):
            object["state"] = "performed"
            object["result"] = result
        case .ended(.failed(let cause)):
            object["state"] = "failed"
            object["cause"] = .string(cause.description)
        }
        return .object(object)
    }
}
