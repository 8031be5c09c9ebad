import HTTP
import JSON
import Models
import Runtime

/// The handler of both ports: the control API under `/_sandbox`, the vendor's own API elsewhere.
struct SandboxHandler: Sendable {
    static let bodyBytesMax = 16 << 20
    /// A reset or a stop ends a call that hangs, not the server's deadline.
    static let hangMax = Duration.seconds(3600)

    let state: SharedSandboxState

    func handler(for vendor: Vendor) -> HTTPHandler {
        HTTPHandler(admit: { _ in .accept(bodyBytesMax: Self.bodyBytesMax) }) { request in
            await respond(to: request, of: vendor)
        }
    }

    private func respond(to request: HTTPRequest, of vendor: Vendor) async -> HTTPResponse {
        if request.path == "/_sandbox" || request.path.hasPrefix("/_sandbox/") {
            return await control(request)
        }
        let release = state.hangs.next()
        switch state.receive(request, of: vendor) {
        case .answer(let response): return response
        case .hang:
            await release.wait()
            return .connectionReset
        }
    }

    /// Handles the requests that wait or move the clock; `SandboxState.control` handles the rest.
    func control(_ request: HTTPRequest) async -> HTTPResponse {
        let call = APICall(request, at: state.clock.now())
        switch call {
        case "POST /_sandbox/settle":
            let limit = Duration.seconds(call.json?["timeoutSeconds"]?.number?.double ?? 30)
            let isSettled = await state.wait(atMost: limit) { state in
                state.outbox.isEmpty ? true : nil
            }
            return .json(200, ["settled": .bool(isSettled ?? false)])
        case "GET /_sandbox/calls":
            return await listCalls(call)
        case "POST /_sandbox/clock":
            state.clock.advance(by: .seconds(call.json?["advanceSeconds"]?.number?.double ?? 0))
            state.changed.wake()
            return .json(200, ["now": .string(state.clock.now().iso8601)])
        case "POST /_sandbox/reset", "DELETE /_sandbox/faults":
            defer { state.hangs.wake() }
            return state.control(call)
        default:
            return state.control(call)
        }
    }

    /// The query: `after`, `vendor`, and `waitSeconds` to wait for at least one call.
    private func listCalls(_ call: APICall) async -> HTTPResponse {
        let number = call.query["after"].flatMap(Int.init) ?? 0
        let vendor = call.query["vendor"].flatMap(Vendor.init(rawValue:))
        let limit = Duration.seconds(call.query["waitSeconds"].flatMap(Double.init) ?? 0)
        let found = await state.wait(atMost: limit) { state -> [RecordedCall]? in
            let calls = state.calls.after(number, of: vendor)
            return calls.isEmpty ? nil : calls
        }
        return .json(200, ["calls": .array((found ?? []).map(\.json))])
    }
}
