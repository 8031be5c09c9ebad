import Automation
import Models

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
            let clients = try await clientsAdmittedByPagerDuty(command.urgency, mayContinue)
            return try await body(AdmittedCommand(command, clients))
        case .updateRecord:
            try salesforceLimiter.requireOpen()
            guard let writer else { return try await body(AdmittedCommand(command, clients)) }
            return try await writer.announced(while: mayContinue) { write throws(Failure) in
                try await body(AdmittedCommand(command, clients, write: write))
            }
        case .createRecord, .addComment, .deliver:
            let clients = try clientsAdmittedBySalesforce(mayContinue)
            return try await body(AdmittedCommand(command, clients))
        }
    }

    /// Waits for the first call; further ones go before the first calls of other commands.
    private func clientsAdmittedByPagerDuty(
        _ urgency: CallUrgency, _ mayContinue: @escaping @Sendable () -> Bool
    ) async throws(Failure) -> VendorClients {
        var clients = clients
        guard case .success(let pagerDuty) = clients.pagerDutyOrReason else { return clients }
        clients.pagerDutyOrReason = .success(
            try await pagerDuty.admitted(
                by: pagerDutyLimiter.admission(for: urgency),
                then: pagerDutyLimiter.admission(for: .begun, while: mayContinue)))
        return clients
    }

    /// Each call waits by itself: Salesforce's budget is wide.
    private func clientsAdmittedBySalesforce(
        _ mayContinue: @escaping @Sendable () -> Bool
    ) throws(Failure) -> VendorClients {
        try salesforceLimiter.requireOpen()
        var clients = clients
        clients.salesforceOrReason = clients.salesforceOrReason.map {
            $0.admitted(by: salesforceLimiter.admission(while: mayContinue))
        }
        return clients
    }
}
