import HTTP
import Runtime

extension HTTPOperations {
    /// The process stays ready while the database is away: it answers 503 within milliseconds,
    /// which tells the vendors more than a closed port.
    init(directory: ConnectionDirectory, metrics: Metrics, stopping: Latch) {
        self.init(
            unreadiness: {
                if stopping.isOpen { return "Stopping: the process takes no new work." }
                return directory.isLoaded
                    ? nil : "The configuration has not been read from the database yet."
            },
            metrics: { (Metrics.contentType, metrics.render()) })
    }
}
