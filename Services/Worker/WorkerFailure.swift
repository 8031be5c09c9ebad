import Runtime
import Store

/// The reason for which a worker did not start, or ended by itself. Each says what to repair.
enum WorkerFailure: Error, CustomStringConvertible {
    case store(StoreError)
    case http(String)
    case service(ServiceFailure)

    var description: String {
        switch self {
        case .store(let error): "the database: \(error)"
        case .http(let reason): "HTTP: \(reason)"
        case .service(let failure): "\(failure)"
        }
    }
}
