import HTTP
import Models

/// The whole way of a webhook, in order. Each step takes what only the step before can make.
struct Receiver: Sendable {
    let admission: RequestAdmission
    let queue: AppendQueue
    let observer: Observer
    let now: @Sendable () -> Timestamp

    /// Before the body is read. PagerDuty's deliveries hold few small events and come in storms:
    /// they are worked on where they were read. Those of Salesforce may hold hundreds of records,
    /// which would keep everybody else waiting; they go to a task.
    func admit(_ head: HTTPRequestHead) -> HTTPAdmission {
        do {
            let route = try admission.route(for: head)
            let bodyBytesMax = admission.bodyBytesMax(route)
            guard case .pagerDuty = route.channel else {
                return .accept(bodyBytesMax: bodyBytesMax)
            }
            return .hand(bodyBytesMax: bodyBytesMax) { request, reply in
                receive(request, at: route, answer: reply.send)
            }
        } catch {
            observer.turnedAway(head, error)
            return .refuse(error.response)
        }
    }

    func receive(_ request: HTTPRequest) async -> HTTPResponse {
        do {
            let route = try admission.route(for: request.head)
            return await withCheckedContinuation { continuation in
                receive(request, at: route) { continuation.resume(returning: $0) }
            }
        } catch {
            observer.turnedAway(request.head, error)
            return error.response
        }
    }

    /// Answers when the events are committed, or at once when they never will be.
    private func receive(
        _ request: HTTPRequest, at route: InboundRoute,
        answer: @escaping @Sendable (HTTPResponse) -> Void
    ) {
        let started = ContinuousClock.now
        do {
            let delivery = Delivery(request, at: route, receivedAt: now())
            let events = try delivery.authenticated().decoded().normalised()
            queue.append(events) { [observer] result in
                switch result {
                case .success(let receipt):
                    observer.received(receipt, at: route, after: .now - started)
                    answer(receipt.response(to: route.channel))
                case .failure(let rejection):
                    observer.rejected(rejection, at: route, after: .now - started)
                    answer(rejection.response)
                }
            }
        } catch {
            observer.rejected(error, at: route, after: .now - started)
            answer(error.response)
        }
    }
}
