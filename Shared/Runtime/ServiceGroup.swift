import Synchronization

/// A part of a process that runs until it is told to stop.
public struct Service: Sendable {
    public let name: String
    let run: @Sendable (_ stop: Latch) async throws -> Void

    /// - Parameter run: works until `stop` opens, then finishes what it has begun and returns.
    ///   It is cancelled only after the group's grace period.
    public init(_ name: String, run: @escaping @Sendable (_ stop: Latch) async throws -> Void) {
        self.name = name
        self.run = run
    }
}

/// The reasons for which a ``ServiceGroup`` ended without having been asked to.
public enum ServiceFailure: Error, CustomStringConvertible {
    case failed(service: String, any Error)
    /// A service returned before it was told to stop.
    case ended(service: String)

    public var description: String {
        switch self {
        case .failed(let service, let error): "\(service) failed: \(error)"
        case .ended(let service): "\(service) ended without being stopped"
        }
    }
}

/// Runs services together. On a stop, or when one of them fails, they stop one after the other in
/// the reverse of the order given, each waiting for the one before it: a service that others need
/// comes first in the list and stops last.
public struct ServiceGroup: Sendable {
    private let services: [Service]
    private let grace: Duration
    private let log: Log

    /// - Parameter grace: the longest time for the whole stop; services left then are cancelled.
    public init(_ services: [Service], grace: Duration, log: Log) {
        self.services = services
        self.grace = grace
        self.log = log
    }

    /// Returns when every service has ended after `stop` opened.
    public func run(until stop: Latch) async throws(ServiceFailure) {
        let run = GroupRun(services.map(RunningService.init), grace: grace, log: log)
        await withDiscardingTaskGroup { group in
            for running in run.all { group.addTask { await run.follow(running) } }
            group.addTask { await run.stopAll(after: stop) }
            group.addTask { await run.cancelAfterGrace() }
        }
        if let failure = run.failure.withLock({ $0 }) { throw failure }
    }
}

/// A service that runs, with the latches of its stop and its end.
private struct RunningService: Sendable {
    let service: Service
    let stop = Latch()
    let ended = Latch()

    init(_ service: Service) { self.service = service }
}

/// One run of a group: its first failure, and the end of its grace period.
private final class GroupRun: Sendable {
    let all: [RunningService]
    let failure = Mutex<ServiceFailure?>(nil)
    private let grace: Duration
    private let log: Log
    private let failed = Latch()
    private let stopping = Latch()
    private let stopped = Latch()
    private let graceIsOver = Latch()

    init(_ all: [RunningService], grace: Duration, log: Log) {
        self.all = all
        self.grace = grace
        self.log = log
    }

    /// Runs one service to its end and cancels it after the grace period.
    func follow(_ running: RunningService) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.perform(running) }
            group.addTask { await self.graceIsOver.wait() }
            await group.next()
            group.cancelAll()
        }
        running.ended.open()
    }

    private func perform(_ running: RunningService) async {
        do {
            try await running.service.run(running.stop)
            if !running.stop.isOpen { note(.ended(service: running.service.name)) }
        } catch {
            note(.failed(service: running.service.name, error))
        }
    }

    private func note(_ reason: ServiceFailure) {
        log.error("service ended; the others are stopped", ["reason": "\(reason)"])
        failure.withLock { first in first = first ?? reason }
        failed.open()
    }

    func stopAll(after stop: Latch) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await stop.wait() }
            group.addTask { await self.failed.wait() }
            await group.next()
            group.cancelAll()
        }
        stopping.open()
        for running in all.reversed() {
            log.debug("stopping a service", ["service": "\(running.service.name)"])
            running.stop.open()
            await running.ended.wait()
        }
        stopped.open()
    }

    func cancelAfterGrace() async {
        await stopping.wait()
        if await !stopped.wait(atMost: grace) {
            log.warning(
                "stop exceeds its grace period; services are cancelled",
                ["grace_seconds": .number(grace / .seconds(1))])
            graceIsOver.open()
        }
    }
}
