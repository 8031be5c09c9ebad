import Runtime
import Store

extension Log {
    /// Says which operation the database failed, why, and what the worker does next.
    func storeFailed(
        _ operation: String, _ error: StoreError, next: String, level: Level = .warning
    ) {
        let message = "\(operation) failed"
        let fields: Fields = ["reason": "\(error)", "next": "\(next)"]
        switch level {
        case .debug: debug(message, fields)
        case .info: info(message, fields)
        case .warning: warning(message, fields)
        case .error: self.error(message, fields)
        }
    }
}

extension Duration {
    /// The duration in a text for people: `400 ms`, `12.5 s`.
    var text: String {
        let seconds = self / .seconds(1)
        if seconds < 1 { return "\(Int((seconds * 1000).rounded())) ms" }
        let tenths = (seconds * 10).rounded() / 10
        return tenths == tenths.rounded() ? "\(Int(tenths)) s" : "\(tenths) s"
    }
}
