import Automation
import JSON
import Models
import Store

/// The links, journal entries and earlier facts that concern the events of a batch of lanes, read
/// from the database at once for all of them.
struct LaneContext: Sendable {
    private var linksByIncident: [IncidentID: Set<Link>] = [:]
    private var linksByRecord: [RecordID: Set<Link>] = [:]
    /// Our own recent writes of which the events could be the echoes.
    private let journal: Set<JournalEntry>
    /// The facts of the jobs whose effects an earlier attempt began.
    private let begun: [JobName: JSON]

    /// - Parameter lanes: with their jobs.
    init(
        of lanes: [(lane: LaneID, jobs: [ReadJob])], in connection: ConnectionID, from store: Store
    ) async throws(StoreError) {
        var incidents: Set<IncidentID> = []
        var records: Set<RecordID> = []
        var entries: Set<JournalEntry> = []
        var names: [JobName] = []
        for (lane, jobs) in lanes {
            for read in jobs {
                guard case .success(let facts) = read.facts, facts.direction != nil else {
                    continue
                }
                let subjects = facts.linkSubjects
                if let incident = subjects.incident { incidents.insert(incident) }
                records.formUnion(subjects.records)
                entries.formUnion(facts.writtenValues.keys.map(JournalEntry.init))
                names.append(JobName(read.job, in: lane))
            }
        }
        guard !names.isEmpty else {
            (journal, begun) = ([], [:])
            return
        }
        let stored = try await store.laneContext(
            incidents: Array(incidents), records: Array(records), entries: Array(entries),
            jobs: names, in: connection)
        (journal, begun) = (stored.echoes, stored.begun)
        for link in stored.links { add(link) }
    }

    mutating func add(_ link: Link) {
        linksByIncident[link.incident, default: []].insert(link)
        linksByRecord[link.record, default: []].insert(link)
    }

    /// The links that an evaluation of the event wants to see, in a stable order.
    func links(for facts: EventFacts) -> [Link] {
        let subjects = facts.linkSubjects
        var links = subjects.records.reduce(into: Set<Link>()) { links, record in
            links.formUnion(linksByRecord[record] ?? [])
        }
        if let incident = subjects.incident { links.formUnion(linksByIncident[incident] ?? []) }
        // The incident's own key tells this link before the answer that makes it is recorded.
        if let implied = facts.impliedLink { links.insert(implied) }
        return links.sorted { ($0.incident, $0.record) < ($1.incident, $1.record) }
    }

    func begunFacts(of job: Job, in lane: LaneID) -> JSON? {
        begun.isEmpty ? nil : begun[JobName(job, in: lane)]
    }

    func echoes(of facts: EventFacts) -> Set<Echo> {
        Set(facts.writtenValues.filter { journal.contains(JournalEntry($0.key)) }.values)
    }
}
