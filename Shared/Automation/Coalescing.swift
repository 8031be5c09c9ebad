import JSON
import Models

/// Effects of several events of one lane, with what waiting made superfluous taken out.
public struct Coalesced: Hashable, Sendable {
    public var effects: [Effect]
    /// Effects of which nothing is left, each with the later one that writes its fields last.
    public var superseded: [EffectKey: EffectKey]
}

/// Takes out of each record write the fields that a later write of the list sets again; a write of
/// which nothing is left is dropped. Everything else stays as it is and where it is.
///
/// Only writes with the same options supersede each other, and none is moved across a delivery to
/// an Apex resource, which may look at the record.
public func coalesce(_ effects: [Effect]) -> Coalesced {
    var later: [WriteSlot: EffectKey] = [:]
    var kept: [Effect] = []
    var superseded: [EffectKey: EffectKey] = [:]
    for effect in effects.reversed() {
        switch effect.command {
        case .updateRecord(let record, let fields, let options):
            let slots = fields.keys.map {
                WriteSlot(record: record.id, field: $0.lowercased(), options: options)
            }
            var remaining = JSONObject()
            for (member, slot) in zip(fields.members, slots) where later[slot] == nil {
                remaining[member.key] = member.value
            }
            if remaining.isEmpty, let last = slots.first.flatMap({ later[$0] }) {
                superseded[effect.key] = last
                continue
            }
            for slot in slots where later[slot] == nil { later[slot] = effect.key }
            var effect = effect
            effect.command = .updateRecord(record, fields: remaining, options: options)
            kept.append(effect)
        case .deliver:
            later.removeAll()
            kept.append(effect)
        case .createIncident, .updateIncident, .startWorkflow, .runResponsePlay, .addNote,
            .createRecord, .addComment:
            kept.append(effect)
        }
    }
    return Coalesced(effects: kept.reversed(), superseded: superseded)
}

private struct WriteSlot: Hashable {
    let record: RecordID
    let field: String
    let options: RecordWriteOptions
}
