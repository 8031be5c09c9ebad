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
        do throws(HTTPClientError) {
            result = .answered(try await client.send(dispatch.request))
        } catch {
            result = .noAnswer("\(error)")
        }
        state.settle(dispatch.entry, result)
    }

    private func pause(until rung: Latch) async {
        guard let seconds = state.secondsToNextDue else { return await rung.wait() }
        await rung.wait(atMost: .milliseconds(Int64(max(0, seconds) * 1000) + 1))
    }
}

/// A message, ready to be sent.
struct Dispatch: Sendable {
    let entry: OutboxMessage
    let request: HTTPClientRequest
}
