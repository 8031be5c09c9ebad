import Models
import Store

extension EarlierEffects {
    /// The progress of this effect: performed, begun, or nil if it has yet to be performed.
    func progress(of effect: Effect) -> EffectProgress? {
        let found = records.compactMap { $0.progress(of: effect) }
        return found.first(where: \.isPerformed) ?? found.first { $0 == .started }
    }

    /// True if one of these effects created what is linked.
    func made(_ link: Link) -> Bool {
        records.contains { record in
            guard case .ended(.performed(let result)) = record.progress else { return false }
            return switch record.command?.kind {
            case .createIncident: result["incident"]?.string == link.incident.rawValue
            case .createRecord: result["record"]?.string == link.record.long
            case .acknowledge, .resolve, .setPriority, .reassign, .startWorkflow, .runResponsePlay,
                .addNote, .updateRecord, .addComment, .deliver, nil:
                false
            }
        }
    }
}

extension RecordedEffect {
    /// The progress if this record is about the effect, else nil. Creations and deliveries are
    /// known by their action, all other commands by their content: a rule that was corrected asks
    /// for another command.
    ///
    /// A fingerprint of a newer version proves nothing. Such an effect counts as begun, so that the
    /// vendor is asked before a call is made: it is neither left out nor blindly repeated.
    fileprivate func progress(of effect: Effect) -> EffectProgress? {
        let hasKey = key == effect.key
        guard let command else { return hasKey ? progress : nil }
        let hasKind = command.kind == effect.command.kind
        if effect.command.kind.isMadeOnce, hasKey, hasKind { return progress }
        switch command.comparison(with: effect.command) {
        case .same: return progress
        case .different: return nil
        case .unknown: return hasKey || hasKind ? progress.unproven : nil
        }
    }
}

extension EffectProgress {
    fileprivate var isPerformed: Bool {
        switch self {
        case .ended(.performed): true
        case .ended(.failed), .started: false
        }
    }

    /// The progress that can be relied on if the command may have been another one.
    fileprivate var unproven: EffectProgress {
        isPerformed ? .started : self
    }
}

extension CommandKind {
    /// True for what must not be made twice by one action, whatever its content.
    fileprivate var isMadeOnce: Bool {
        switch self {
        case .createIncident, .createRecord, .deliver: true
        case .acknowledge, .resolve, .setPriority, .reassign, .startWorkflow, .runResponsePlay,
            .addNote, .updateRecord, .addComment:
            false
        }
    }
}
