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
    ///   - output: gets the result, a line at a time, without line ends.
    ///   - error: gets the problems, likewise.
    /// - Returns: the exit status: 0 done, 1 failed, 2 the arguments cannot be understood.
    public static func run(
        arguments: [String], environment: [String: String],
        output: @escaping @Sendable (String) -> Void, error: @escaping @Sendable (String) -> Void
    ) async -> Int32 {
        do {
            let invocation = try Invocation(arguments)
            let command = ConsoleCommand(
                environment: environment, printer: Printer(output),
                nonce: { String(UInt64.random(in: 0...(.max)), radix: 36) })
            try await command.perform(invocation)
            return 0
        } catch let problem {
            let printer = Printer(error)
            for line in problem.lines { printer.line(line) }
            return problem.status
        }
    }
}

/// One command with its environment and its output.
struct ConsoleCommand {
    let environment: [String: String]
    let printer: Printer
    /// Makes the ids of replays unique.
    let nonce: @Sendable () -> String

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
        case .move(let connection, let force): try await move(connection, force: force)
        }
    }

    /// The store of one command. Its connections end with the program.
    func store() throws(CommandError) -> Store {
        Store(Pool(try ConsoleConfiguration.read(environment).address, limits: .oneCommand))
    }
}

extension PoolLimits {
    /// The limits of one command: it reads with one connection while it writes with the other.
    static var oneCommand: PoolLimits {
        var limits = PoolLimits()
        limits.connectionsMax = 2
        limits.waitMax = .seconds(10)
        return limits
    }
}
