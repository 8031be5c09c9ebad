import Models
import Postgres
import Store

/// The operator's command line. It decides nothing and calls no vendor: it reads and writes the
/// database through `Store` and asks `Automation` for explanations.
public enum Console {
    /// Runs one command.
    ///
    /// - Parameters:
    ///   - arguments: without the program's name.
    ///   - output: gets what was asked for, a line at a time, without line ends.
    ///   - error: gets what is wrong.
    /// - Returns: the exit status: 0 done, 1 something is wrong, 2 the arguments make no sense.
    public static func run(
        arguments: [String], environment: [String: String],
        output: @escaping @Sendable (String) -> Void, error: @escaping @Sendable (String) -> Void
    ) async -> Int32 {
        do throws(CommandError) {
            let invocation = try Invocation(arguments)
            let command = ConsoleCommand(environment: environment, printer: Printer(output))
            try await command.perform(invocation)
            return 0
        } catch let commandError {
            let printer = Printer(error)
            for line in commandError.lines { printer.line(line) }
            return commandError.status
        }
    }
}

/// One command with what it works with.
struct ConsoleCommand {
    let environment: [String: String]
    let printer: Printer

    func perform(_ invocation: Invocation) async throws(CommandError) {
        switch invocation {
        case .help: printer.lines(Invocation.usage)
        case .migrate: try await migrate()
        case .check(let file): try check(file)
        case .apply(let file): try await apply(file)
        case .events(let selection, let asJSON): try await events(selection, asJSON: asJSON)
        case .event(let name, let asJSON): try await event(name, asJSON: asJSON)
        case .explain(let name, let rule, let asJSON):
            try await explain(name, rule: rule, asJSON: asJSON)
        case .replay(let names, let replay): try await self.replay(names, replay)
        case .replayFailed(let connection, let limit):
            try await replayFailed(of: connection, limit: limit)
        case .links(let subject, let connection): try await links(of: subject, in: connection)
        case .status: try await status()
        case .move(let connection, let again): try await move(connection, again: again)
        }
    }

    /// The database for one command; its connection ends with the program.
    func store() throws(CommandError) -> Store {
        Store(Pool(try ConsoleConfiguration.read(environment).address, limits: .oneCommand))
    }
}

extension PoolLimits {
    /// Two: while one reads, the other may write.
    static var oneCommand: PoolLimits {
        var limits = PoolLimits()
        limits.connectionsMax = 2
        limits.waitSecondsMax = 10
        return limits
    }
}
