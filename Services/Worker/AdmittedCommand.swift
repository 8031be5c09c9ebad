import Automation
import Connectors
import JSON
import Models

/// A command whose vendor may be called now. It exists only within `Vendors.admitted`.
struct AdmittedCommand: Sendable {
    let command: Command
    let clients: VendorClients
    /// The announced write of an `updateRecord`.
    let write: AnnouncedWrite?

    init(_ command: Command, _ clients: VendorClients, write: AnnouncedWrite? = nil) {
        self.command = command
        self.clients = clients
        self.write = write
    }

    func pagerDuty() throws(Failure) -> PagerDuty { try clients.pagerDuty() }
    func salesforce() throws(Failure) -> Salesforce { try clients.salesforce() }

    /// True when Salesforce no longer has the record.
    func isGone(_ record: RecordReference) async throws(Failure) -> Bool {
        let read = Salesforce.RecordRead(record: record, fields: ["Id"])
        return try await salesforce().records([read])[record.id] == .some(nil)
    }
}

extension AdmittedCommand {
    /// Makes the calls of the command.
    ///
    /// - Parameters:
    ///   - lookFirst: true if an earlier attempt may have had its effect: where the vendor has no
    ///     idempotency handle, the effect is looked for before it is repeated.
    ///   - isLinked: returns true for a record that is known to belong to an incident. A record
    ///     that an interrupted attempt created is not linked.
    func perform(
        lookFirst: Bool,
        isLinked: (RecordID) async throws(Failure) -> Bool = { _ in false }
    ) async throws(Failure) -> Performed {
        switch command {
        case .createIncident(let new, let record):
            return try await create(new, for: record)
        case .updateIncident(let id, let update):
            return try await change(id, update)
        case .startWorkflow(let id, let workflow):
            let run = try await pagerDuty().startWorkflow(workflow, incident: id)
            return Performed(result: ["run": run.map(JSON.string) ?? .null])
        case .runResponsePlay(let id, let play):
            try await pagerDuty().runResponsePlay(play, incident: id)
            return Performed(result: ["play": .string(play)])
        case .addNote(let id, let text):
            return try await addNote(id, text, lookFirst: lookFirst)
        case .updateRecord(let record, let fields, let options):
            try await update(record, fields, options)
            return Performed(result: ["record": .string(record.id.long)])
        case .createRecord(let new, let incident):
            if lookFirst, let found = try await find(new, isLinked) {
                return .record(found, new.object, incident)
            }
            return try await create(new, for: incident)
        case .addComment(let record, let text, let isPublic):
            return try await addComment(record, text, isPublic, lookFirst: lookFirst)
        case .deliver(let path, let body):
            return Performed(result: try await salesforce().apexREST(path, body: body))
        }
    }
}
