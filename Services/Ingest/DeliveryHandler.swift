import HTTP
import Models

/// Handles a webhook from its head to its answer. Each step takes a value that only the step before
/// can make.
struct DeliveryHandler: Sendable {
    let admission: RequestAdmission
    let queue: AppendQueue
    let observer: Observer
    let now: @Sendable () -> Timestamp

    /// Decides on a head before the body is read. Deliveries of PagerDuty hold few small events and
    /// come in great numbers: they are handled on the event loop. Those of Salesforce may hold
    /// hundreds of records and would keep all others waiting: each is handled in a task.
    func admit(_ head: HTTPRequestHead) -> HTTPAdmission {
        do {
            let route = try admission.route(for: head)
            let bodyBytesMax = admission.bodyBytesMax(route)
            guard case .pagerDuty = route.channel else {
                return .accept(bodyBytesMax: bodyBytesMax)
            }
            return .acceptOnLoop(bodyBytesMax: bodyBytesMax) { request, reply in
                handle(request, at: route, answer: reply.send)
            }
        } catch {
            observer.refusedHead(head, error)
            return .refuse(error.response)
        }
    }

    func respond(_ request: HTTPRequest) async -> HTTPResponse {
        do {
            let route = try admission.route(for: request.head)
            return await withCheckedContinuation { continuation in
                handle(request, at: route) { continuation.resume(returning: $0) }
            }
        } catch {
            observer.refusedHead(request.head, error)
            return error.response
        }
    }

    /// Answers when the events are committed, or at once if they are refused.
    private func handle(
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
                    observer.accepted(receipt, at: route, after: .now - started)
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
