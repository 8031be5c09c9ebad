import HTTP
import Runtime

extension HTTPOperations {
    /// A database that is away does not make the door unready: it still answers 503 within
    /// milliseconds, which says more to the vendors than a closed door.
    init(directory: ConnectionDirectory, metrics: Metrics, stopping: Latch) {
        self.init(
            unreadiness: {
                if stopping.isOpen { return "Stopping." }
                return directory.isLoaded ? nil : "The configuration is not loaded."
            },
            metrics: { (Metrics.contentType, metrics.render()) })
    }
}
