import Automation
import Models
import Store

/// A job with what its event tells, read once.
struct ReadJob: Sendable {
    let job: Job
    let facts: Result<EventFacts, UnreadableEvent>

    init(_ job: Job) {
        self.job = job
        facts = Result { () throws(UnreadableEvent) in try EventFacts(job.event) }
    }
}

/// What the database knows around the events of a batch of lanes, read at once for all of them.
struct Surroundings: Sendable {
    private var linksByIncident: [IncidentID: Set<Link>] = [:]
    private var linksByRecord: [RecordID: Set<Link>] = [:]
    /// Our own recent writes, of those that the events could be the echoes of.
    private let journal: Set<JournalEntry>

    init(
        of jobs: [ReadJob], in connection: ConnectionID, from store: Store
    ) async throws(StoreError) {
        var incidents: Set<IncidentID> = []
        var records: Set<RecordID> = []
        var entries: Set<JournalEntry> = []
        for case .success(let facts) in jobs.map(\.facts) where facts.direction != nil {
            let subjects = facts.linkSubjects
            if let incident = subjects.incident { incidents.insert(incident) }
            records.formUnion(subjects.records)
            entries.formUnion(facts.imprints.keys.map(JournalEntry.init))
        }
        guard !(incidents.isEmpty && records.isEmpty) else {
            journal = []
            return
        }
        let stored = try await store.surroundings(
            incidents: Array(incidents), records: Array(records), entries: Array(entries),
            in: connection)
        journal = stored.echoes
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
        // Known from the incident's own key before the answer that makes the link is recorded.
        if let implied = facts.impliedLink { links.insert(implied) }
        return links.sorted { ($0.incident, $0.record) < ($1.incident, $1.record) }
    }

    func echoes(of facts: EventFacts) -> Set<Echo> {
        Set(facts.imprints.filter { journal.contains(JournalEntry($0.key)) }.values)
    }
}
