import Glibc
import HTTP
import Postgres
import Runtime

@main
struct Main {
    /// `deploy/bench` calls `bench SERVER PROGRAMS PGBENCH FOLDER FILE [NAME [MINUTES]]`. That
    /// process calls `bench trivial-server PORT REQUEST-BYTES` and `bench slow-drip PORT
    /// CONNECTIONS`.
    static func main() async {
        let words = CommandLine.arguments
        OpenFiles.allow(8192)
        if words.count == 4, words[1] == "trivial-server", let port = Int(words[2]),
            let bytes = Int(words[3])
        {
            TrivialServer(port: port, requestBytes: bytes).run()
            exit(EXIT_FAILURE)
        }
        if words.count == 4, words[1] == "slow-drip", let port = Int(words[2]),
            let connections = Int(words[3])
        {
            SlowDrip(port: port, connections: connections).run()
        }
        guard (6...8).contains(words.count), let server = Address(words[1]),
            let minutes = words.count == 8 ? Double(words[7]) : 1
        else {
            fail("usage: bench SERVER PROGRAMS PGBENCH FOLDER FILE [NAME [MINUTES]]")
        }
        let name = words.count > 6 ? words[6] : nil
        let chosen = Benchmark.all.filter { name == nil || $0.name == name }
        if chosen.isEmpty {
            let names = Benchmark.all.map(\.name).joined(separator: ", ")
            fail("there is no benchmark \(name ?? ""); the benchmarks are \(names)")
        }
        do {
            let environment = try BenchEnvironment(
                server: server, programs: words[2], pgbench: words[3], folder: words[4],
                soakDuration: .seconds(minutes * 60))
            exit(await run(chosen, in: environment, writingTo: words[5]))
        } catch {
            fail("\(error)")
        }
    }

    /// - Returns: the status of the process. It is a failure if a benchmark could not run, not if
    ///   one missed its goal.
    private static func run(
        _ chosen: [Benchmark], in environment: BenchEnvironment, writingTo file: String
    ) async -> Int32 {
        var rows = [Measurement.header]
        var status = EXIT_SUCCESS
        TextFile.write("", to: file)
        for benchmark in chosen {
            printProgress("\(benchmark.name) ...")
            do {
                for measurement in try await benchmark.run(environment) {
                    TextFile.write(measurement.json.text + "\n", to: file, appending: true)
                    rows.append(measurement.row)
                }
            } catch {
                printProgress("\(benchmark.name) failed: \(error)")
                status = EXIT_FAILURE
            }
        }
        print(table(rows))
        return status
    }

    private static func fail(_ text: String) -> Never {
        printProgress(text)
        exit(EXIT_FAILURE)
    }
}
