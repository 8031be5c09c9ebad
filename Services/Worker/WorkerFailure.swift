import Runtime
import Store

/// Why a worker did not start, or ended without being asked to. Each says what to mend.
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
