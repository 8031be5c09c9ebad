import HTTP
import JSON
import Runtime

/// Stand-ins for PagerDuty and Salesforce on two ports of this machine. What can be asked of them
/// beyond the vendors' own APIs is listed on top of `Control/Control.swift`.
public final class Sandbox: Sendable {
    /// `http://127.0.0.1:PORT`, without a slash at the end.
    public let pagerDutyURL: String
    public let salesforceURL: String
    public let clock: SandboxClock

    private let state: SharedSandboxState
    private let handler: SandboxHandler
    private let pagerDuty: HTTPServer
    private let salesforce: HTTPServer
    private let client: HTTPClient
    private let log: Log

    /// Binds both ports; nothing is served before `run`.
    ///
    /// - Parameter pagerDutyPort: 0 for any free one, as for `salesforcePort`.
    public init(
        _ options: SandboxOptions = SandboxOptions(), host: String = "127.0.0.1",
        pagerDutyPort: Int = 0, salesforcePort: Int = 0, clock: SandboxClock = .system(),
        log: Log = Log("sandbox", level: .warning)
    ) throws {
        state = SharedSandboxState(options, clock: clock)
        handler = SandboxHandler(state: state)
        var limits = HTTPServerLimits()
        limits.handlerTimeout = SandboxHandler.hangMax
        pagerDuty = try HTTPServer(
            host: host, port: pagerDutyPort, limits: limits,
            handler: handler.handler(for: .pagerDuty))
        salesforce = try HTTPServer(
            host: host, port: salesforcePort, limits: limits,
            handler: handler.handler(for: .salesforce))
        pagerDutyURL = "http://\(host):\(pagerDuty.port)"
        salesforceURL = "http://\(host):\(salesforce.port)"
        state.setURLs(pagerDuty: pagerDutyURL, salesforce: salesforceURL)
        var clientLimits = HTTPClientLimits()
        clientLimits.connectionsPerHostMax = 64
        client = try HTTPClient(limits: clientLimits)
        self.clock = clock
        self.log = log
    }

    /// Serves and delivers until `stop` opens.
    public func run(until stop: Latch) async throws {
        let sender = DeliverySender(state: state, client: client)
        let services = [
            Service("deliveries") { stop in await sender.run(until: stop) },
            service("pagerduty", pagerDuty), service("salesforce", salesforce),
        ]
        defer { client.shutdown() }
        try await ServiceGroup(services, grace: .seconds(5), log: log).run(until: stop)
    }

    private func service(_ name: String, _ server: HTTPServer) -> Service {
        Service(name) { [state] stop in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await server.run() }
                await stop.wait()
                server.stop()
                state.hangs.wake()
                await group.waitForAll()
            }
        }
    }

    /// Runs a sandbox for as long as `body` takes: the way of the tests.
    public static func running<Value: Sendable>(
        _ options: SandboxOptions = SandboxOptions(), clock: SandboxClock = .system(),
        _ body: (Sandbox) async throws -> Value
    ) async throws -> Value {
        let sandbox = try Sandbox(options, clock: clock)
        let stop = Latch()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sandbox.run(until: stop) }
            defer { stop.open() }
            return try await body(sandbox)
        }
    }
}

extension Sandbox {
    /// The control API without its port: `await sandbox.control("POST", "/_sandbox/reset")`.
    ///
    /// - Parameter path: may carry a query.
    @discardableResult
    public func control(
        _ method: String, _ path: String, _ body: JSON = [:]
    ) async -> (status: Int, body: JSON) {
        let parts = path.split(separator: "?", maxSplits: 1).map(String.init)
        let request = HTTPRequest(
            method: method, path: parts[0], query: parts.count > 1 ? parts[1] : nil,
            body: body.bytes)
        let response = await handler.control(request)
        return (response.status, (try? JSON(parsing: response.body)) ?? .null)
    }

    public var calls: [RecordedCall] { state.read { $0.calls.all } }

    /// The first call that `matches`, waited for; nil if none comes in that time.
    public func call(
        within limit: Duration = .seconds(30), where matches: @Sendable (RecordedCall) -> Bool
    ) async -> RecordedCall? {
        await state.wait(atMost: limit) { $0.calls.all.first(where: matches) }
    }

    /// Returns when all deliveries have ended, well or not; false if they have not by then.
    @discardableResult
    public func settled(within limit: Duration = .seconds(30)) async -> Bool {
        await state.wait(atMost: limit) { $0.outbox.isEmpty ? true : nil } ?? false
    }
}
