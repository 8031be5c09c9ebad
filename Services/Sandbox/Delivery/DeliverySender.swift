import HTTP
import Runtime

/// Delivers what the stand-ins have to tell, until it is stopped.
struct DeliverySender: Sendable {
    let state: SharedSandboxState
    let client: HTTPClient

    func run(until stop: Latch) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await stop.wait()
                state.changed.wake()
            }
            while !stop.isOpen {
                let rung = state.changed.next()
                for dispatch in state.takeDue() {
                    group.addTask { await send(dispatch) }
                }
                await pause(until: rung)
            }
            group.cancelAll()
        }
    }

    private func send(_ dispatch: Dispatch) async {
        let result: DeliveryResult
        do {
            result = .answered(try await client.send(dispatch.request))
        } catch {
            result = .noAnswer("\(error)")
        }
        state.settle(dispatch.entry, result)
    }

    private func pause(until change: Latch) async {
        guard let pause = state.timeToNextDue else { return await change.wait() }
        await change.wait(atMost: max(.zero, pause) + .milliseconds(1))
    }
}

/// A message, ready to be sent.
struct Dispatch: Sendable {
    let entry: OutboxMessage
    let request: HTTPClientRequest
}
