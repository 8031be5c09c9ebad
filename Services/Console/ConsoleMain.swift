import Foundation

@main
struct ConsoleMain {
    static func main() async {
        // Each line is one write, so that both streams keep their common order.
        let status = await Console.run(
            arguments: Array(CommandLine.arguments.dropFirst()),
            environment: ConsoleConfiguration.environment,
            output: { FileHandle.standardOutput.write(Data("\($0)\n".utf8)) },
            error: { FileHandle.standardError.write(Data("\($0)\n".utf8)) })
        exit(status)
    }
}
