import Glibc
import HTTP
import Runtime

@main
struct IngestMain {
    /// Ends with 0 after a stop, 78 (`EX_CONFIG`) for a configuration that cannot be used, 1 when
    /// a part of the process failed.
    static func main() async {
        Heap.shareOneArena()
        let stop = Latch()
        TerminationSignals.open(stop)
        do {
            let configuration = try IngestConfiguration.read()
            let log = Log("ingest", level: configuration.logLevel)
            // Clients, and what the process has open besides.
            OpenFiles.allow(configuration.clientConnectionsMax + 256)
            exit(await run(configuration, log: log, until: stop))
        } catch {
            error.tell(Log("ingest"))
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
            log.error("ended", ["reason": "\(error)"])
            return EXIT_FAILURE
        }
    }
}
