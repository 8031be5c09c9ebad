import Glibc
import HTTP
import Runtime

@main
struct IngestMain {
    /// Exits with 0 after a stop, 78 (`EX_CONFIG`) if the configuration cannot be used, 1 if a part
    /// of the process failed.
    static func main() async {
        Heap.shareOneArena()
        let stop = Latch()
        TerminationSignals.open(stop)
        do {
            let configuration = try IngestConfiguration.read()
            let log = Log("ingest", level: configuration.logLevel)
            // 256 for what the process opens besides its clients.
            OpenFiles.allow(configuration.clientConnectionsMax + 256)
            exit(await run(configuration, log: log, until: stop))
        } catch {
            error.write(to: Log("ingest"))
            exit(EX_CONFIG)
        }
    }

    private static func run(
        _ configuration: IngestConfiguration, log: Log, until stop: Latch
    ) async -> Int32 {
        do {
            let store = IngestStore.postgres(configuration)
            let ingest = try Ingest(configuration, store: store, log: log)
            log.info(
                "listening",
                [
                    "port": .integer(ingest.publicPort),
                    "operations_port": .integer(ingest.operationsPort),
                ])
            try await ingest.run(until: stop)
            log.info("stopped")
            return EXIT_SUCCESS
        } catch {
            log.error("ingest failed and exits", ["reason": "\(error)"])
            return EXIT_FAILURE
        }
    }
}
