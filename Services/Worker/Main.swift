import Glibc
import Runtime

@main
struct WorkerMain {
    /// Exits with 0 after a stop, with 78 (`EX_CONFIG`) if the configuration cannot be used, and
    /// with 1 if a part of the process failed.
    static func main() async {
        Heap.shareOneArena()
        let stop = Latch()
        TerminationSignals.open(stop)
        do {
            let configuration = try WorkerConfiguration.read()
            let log = Log("worker", level: configuration.logLevel)
            exit(await end(of: configuration, log: log, stop))
        } catch {
            error.write(to: Log("worker"))
            exit(EX_CONFIG)
        }
    }

    private static func end(
        of configuration: WorkerConfiguration, log: Log, _ stop: Latch
    ) async -> Int32 {
        do {
            try await run(configuration, log: log, until: stop)
            return EXIT_SUCCESS
        } catch {
            log.error("worker ended", ["reason": "\(error)"])
            return EXIT_FAILURE
        }
    }
}
