import HTTP
import Models

/// The whole way of a webhook, in order. Each step takes what only the step before can make.
struct Receiver: Sendable {
    let doorway: Doorway
    let queue: AppendQueue
    let observer: Observer
    let now: @Sendable () -> Timestamp

    /// Before the body is read. PagerDuty's deliveries hold few small events and come in storms:
    /// they are worked on where they were read. Those of Salesforce may hold hundreds of records,
    /// which would keep everybody else waiting; they go to a task.
    func admit(_ head: HTTPRequestHead) -> HTTPAdmission {
        do {
            let entrance = try doorway.entrance(for: head)
            let bodyBytesMax = doorway.bodyBytesMax(entrance)
            guard case .pagerDuty = entrance.channel else {
                return .accept(bodyBytesMax: bodyBytesMax)
            }
            return .hand(bodyBytesMax: bodyBytesMax) { request, reply in
                receive(request, at: entrance, answer: reply.send)
            }
        } catch {
            observer.turnedAway(head, error)
            return .refuse(error.response)
        }
    }

    func receive(_ request: HTTPRequest) async -> HTTPResponse {
        do {
            let entrance = try doorway.entrance(for: request.head)
            return await withCheckedContinuation { continuation in
                receive(request, at: entrance) { continuation.resume(returning: $0) }
            }
        } catch {
            observer.turnedAway(request.head, error)
            return error.response
        }
    }

    /// Answers when the events are committed, or at once when they never will be.
    private func receive(
        _ request: HTTPRequest, at entrance: Entrance,
        answer: @escaping @Sendable (HTTPResponse) -> Void
    ) {
        let started = ContinuousClock.now
        do {
            let delivery = Delivery(request, at: entrance, receivedAt: now())
            let events = try delivery.authenticated().decoded().normalised()
            queue.append(events) { [observer] result in
                switch result {
                case .success(let receipt):
                    observer.received(receipt, at: entrance, after: .now - started)
                    answer(receipt.response(to: entrance.channel))
                case .failure(let rejection):
                    observer.rejected(rejection, at: entrance, after: .now - started)
                    answer(rejection.response)
                }
            }
        } catch {
            observer.rejected(error, at: entrance, after: .now - started)
            answer(error.response)
        }
    }
}
