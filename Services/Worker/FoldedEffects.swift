import Automation
import Models
import Store

/// The writes of several decisions, without those that later ones of them supersede.
struct FoldedEffects: Sendable {
    struct FoldedWrite: Sendable {
        let effect: Effect
        let decision: JobDecision
        /// Recorded as performed together with this write.
        let superseded: [SupersededEffect]
    }

    let writes: [FoldedWrite]
    /// The first job: its attempts count, because the others wait with it.
    let head: Job

    /// Returns nil if no write is superseded.
    init?(_ decisions: [JobDecision]) {
        guard let head = decisions.first?.job, decisions.count(where: { !$0.effects.isEmpty }) > 1
        else { return nil }
        let folded = coalesce(decisions.flatMap(\.effects))
        if folded.superseded.isEmpty { return nil }
        let owners = Dictionary(
            decisions.flatMap { decision in decision.effects.map { ($0.key, decision) } },
            uniquingKeysWith: { first, _ in first })
        let superseded = Dictionary(grouping: folded.superseded, by: \.value)
        self.head = head
        writes = folded.effects.compactMap { effect in
            guard let decision = owners[effect.key] else { return nil }
            let others = (superseded[effect.key] ?? []).compactMap { key, _ in
                owners[key].map { SupersededEffect(key: key, job: $0.job) }
            }
            return FoldedWrite(effect: effect, decision: decision, superseded: others)
        }
    }
}
