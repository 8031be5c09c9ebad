import Foundation

@main
struct Main {
    static func main() async {
        // One line is one write: a reader of both streams sees them in their order.
        let status = await Console.run(
            arguments: Array(CommandLine.arguments.dropFirst()),
            environment: ConsoleConfiguration.environment,
            output: { FileHandle.standardOutput.write(Data("\($0)\n".utf8)) },
            error: { FileHandle.standardError.write(Data("\($0)\n".utf8)) })
        exit(status)
    }
}
