import Models
import Store

extension EarlierEffects {
    /// What became of this effect; `nil` if it is none of these or failed. What is created or
    /// delivered is known by its action, everything else by its words: a rule that was mended wants
    /// others.
    func progress(of effect: Effect) -> EffectProgress? {
        let request = effect.command.json
        let same = records.filter { record in
            guard let earlier = record.request else { return record.key == effect.key }
            return earlier == request
                || effect.command.isMadeOnce && record.key == effect.key
                    && earlier["command"] == request["command"]
        }.map(\.progress)
        return same.first(where: \.isPerformed) ?? same.first { $0 == .started }
    }

    /// Whether the link is to something that one of these created.
    func made(_ link: Link) -> Bool {
        records.contains { record in
            guard case .ended(.performed(let result)) = record.progress else { return false }
            return switch record.request?["command"]?.string {
            case "createIncident": result["incident"]?.string == link.incident.rawValue
            case "createRecord": result["record"]?.string == link.record.long
            case _: false
            }
        }
    }
}

extension EffectProgress {
    fileprivate var isPerformed: Bool {
        if case .ended(.performed) = self { true } else { false }
    }
}

extension Command {
    fileprivate var isMadeOnce: Bool {
        switch self {
        case .createIncident, .createRecord, .deliver: true
        case .updateIncident, .startWorkflow, .runResponsePlay, .addNote, .updateRecord,
            .addComment:
            false
        }
    }
}
