import HTTP
import Models
import Runtime

/// The whole way of a webhook, in order. Each step takes what only the step before can make.
struct Receiver: Sendable {
    let doorway: Doorway
    let queue: AppendQueue
    let observer: Observer
    let now: @Sendable () -> Timestamp

    /// Before the body is read.
    func admit(_ head: HTTPRequestHead) -> HTTPAdmission {
        do {
            return .accept(bodyBytesMax: try doorway.bodyBytesMax(head))
        } catch {
            observer.turnedAway(head, error)
            return .refuse(error.response)
        }
    }

    func receive(_ request: HTTPRequest) async -> HTTPResponse {
        do {
            let delivery = try doorway.delivery(request, at: now())
            return await receive(delivery)
        } catch {
            observer.turnedAway(request.head, error)
            return error.response
        }
    }

    private func receive(_ delivery: Delivery) async -> HTTPResponse {
        let started = ContinuousClock.now
        do {
            let authentic = try delivery.authenticated()
            let notice = try authentic.decoded()
            let events = notice.normalised()
            let receipt = try await queue.append(events)
            observer.received(delivery, receipt, after: .now - started)
            return receipt.response(to: delivery.channel)
        } catch {
            observer.rejected(delivery, error, after: .now - started)
            return error.response
        }
    }
}
