import Models
import Postgres
import Store

extension ConsoleCommand {
    func move(_ connection: ConnectionID, force: Bool) async throws(CommandError) {
        let configuration = try ConsoleConfiguration.read(environment)
        let source = Store(Pool(configuration.address, limits: .oneCommand))
        let target = Store(Pool(try configuration.targetAddress, limits: .oneCommand))
        do {
            let copied = try await source.move(connection, to: target, force: force)
            for (table, rows) in copied { printer.line("\(table): \(counted(rows, "row"))") }
        } catch {
            throw .problem(error.sentence(about: connection))
        }
        printer.line("\(connection) is moved: send its deliveries to the ingest of the target")
    }
}

extension MoveError {
    fileprivate func sentence(about connection: ConnectionID) -> String {
        switch self {
        case .otherSchema(let here, let there):
            "this database has schema version \(here), the target \(there): "
                + "run console migrate on both"
        case .eventsThere:
            "the target has events of \(connection) already; nothing was changed"
        case .blocked:
            "\(connection) is blocked here for good: it was moved, or an earlier move broke off. "
                + "If no other database has its events (console events), move it with --force"
        case .notQuiet:
            "\(connection) still gets deliveries or is being worked on; nothing was changed, "
                + "run this again when it is quiet"
        case .failed(let error): "\(CommandError(error).lines.joined()); nothing was changed"
        case .stillBlocked(let error):
            "\(CommandError(error).lines.joined()); nothing was copied, but \(connection) is still "
                + "blocked here: move it with --force"
        case .unknownOutcome:
            "the connection broke while the other database was committing, so \(connection) stays "
                + "blocked here. See there whether it has its events (console events). If it has "
                + "none, move it with --force"
        }
    }
}
