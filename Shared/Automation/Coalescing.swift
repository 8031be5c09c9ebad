import JSON
import Models

/// The effects of several events of one lane, without those that later ones make superfluous.
public struct Coalesced: Hashable, Sendable {
    public var effects: [Effect]
    /// The effects that were dropped, each with the last of the later ones that write its fields.
    public var superseded: [EffectKey: EffectKey]
}

/// Drops each record write whose fields are all set again by later writes of the list. All other
/// effects stay unchanged and in their order.
///
/// A write is dropped whole or not at all: taking out some of its fields would save no call, and
/// one that Salesforce refuses for a field would go through without it.
///
/// Only writes with the same options supersede each other, and none is moved across a delivery to
/// an Apex resource, which may look at the record.
public func coalesce(_ effects: [Effect]) -> Coalesced {
    var later: [WriteSlot: Int] = [:]
    var kept: [Effect] = []
    var superseded: [EffectKey: EffectKey] = [:]
    for (position, effect) in effects.enumerated().reversed() {
        switch effect.command {
        case .updateRecord(let record, let fields, let options):
            let slots = fields.keys.map {
                WriteSlot(record: record.id, field: $0.lowercased(), options: options)
            }
            let writers = slots.compactMap { later[$0] }
            if writers.count == slots.count, let last = writers.max() {
                superseded[effect.key] = effects[last].key
                continue
            }
            for slot in slots where later[slot] == nil { later[slot] = position }
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
