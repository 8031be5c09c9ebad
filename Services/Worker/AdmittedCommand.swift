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

    func pagerDuty() throws(Failure) -> PagerDuty { try clients.pagerDuty() }
    func salesforce() throws(Failure) -> Salesforce { try clients.salesforce() }

    /// True when Salesforce no longer has the record.
    func isGone(_ record: RecordReference) async throws(Failure) -> Bool {
        let wish = Salesforce.Wish(record: record, fields: ["Id"])
        return try await salesforce().records([wish])[record.id] == .some(nil)
    }
}

extension Vendors {
    /// Waits until the first call of the command may be made, then runs `body`. Record in `body`
    /// that the effect begins: what was not begun need not be looked for on the next attempt.
    ///
    /// - Parameters:
    ///   - mayContinue: true while this worker holds the lane; asked before each call.
    ///   - body: makes the calls. An announced write is taken back when it returns or throws.
    func admitted<Value>(
        for command: Command, while mayContinue: @escaping @Sendable () -> Bool,
        _ body: (AdmittedCommand) async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        switch command {
        case .createIncident, .updateIncident, .startWorkflow, .runResponsePlay, .addNote:
            var clients = clients
            if case .success(let pagerDuty) = clients.pagerDutyOrReason {
                clients.pagerDutyOrReason = .success(
                    try await pagerDuty.admitted(
                        by: pagerDutyLimiter.asCallGate(command.urgency),
                        then: pagerDutyLimiter.asCallGate(.begun, while: mayContinue)))
            }
            return try await body(
                AdmittedCommand(command: command, clients: clients, write: nil))
        case .updateRecord:
            try salesforceLimiter.requireOpen()
            guard let writer else {
                return try await body(
                    AdmittedCommand(command: command, clients: clients, write: nil))
            }
            return try await writer.announced(while: mayContinue) { write throws(Failure) in
                try await body(AdmittedCommand(command: command, clients: clients, write: write))
            }
        case .createRecord, .addComment, .deliver:
            try salesforceLimiter.requireOpen()
            var clients = clients
            clients.salesforceOrReason = clients.salesforceOrReason.map {
                $0.behind(salesforceLimiter.asCallGate(while: mayContinue))
            }
            return try await body(
                AdmittedCommand(command: command, clients: clients, write: nil))
        }
    }
}
