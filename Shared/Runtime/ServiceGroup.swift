import Synchronization

/// A part of a process that runs until it is told to stop.
public struct Service: Sendable {
    public let name: String
    let run: @Sendable (_ stop: Latch) async throws -> Void

    /// - Parameter run: works until `stop` opens, then finishes what it has begun and returns.
    ///   It is cancelled only when the group's patience is over.
    public init(_ name: String, run: @escaping @Sendable (_ stop: Latch) async throws -> Void) {
        self.name = name
        self.run = run
    }
}

/// Why a ``ServiceGroup`` ended without having been asked to.
public enum ServiceFailure: Error, CustomStringConvertible {
    case failed(service: String, any Error)
    /// A service returned though nobody told it to stop.
    case ended(service: String)

    public var description: String {
        switch self {
        case .failed(let service, let error): "\(service) failed: \(error)"
        case .ended(let service): "\(service) ended by itself"
        }
    }
}

/// Runs services together. On a stop, or when one of them fails, they stop one after the other in
/// the reverse of the order given, each waiting for the one before it: what others lean on comes
/// first in the list and goes last.
public struct ServiceGroup: Sendable {
    private let services: [Service]
    private let grace: Duration
    private let log: Log

    /// - Parameter grace: how long the whole stop may take before what is left is cancelled.
    public init(_ services: [Service], grace: Duration, log: Log) {
        self.services = services
        self.grace = grace
        self.log = log
    }

    /// Returns when every service has ended after `stop` opened.
    public func run(until stop: Latch) async throws(ServiceFailure) {
        let run = Run(services.map(Running.init), grace: grace, log: log)
        await withDiscardingTaskGroup { group in
            for running in run.all { group.addTask { await run.follow(running) } }
            group.addTask { await run.stopAll(after: stop) }
            group.addTask { await run.losePatience() }
        }
        if let failure = run.failure.withLock({ $0 }) { throw failure }
    }
}

/// A service, and the two moments of its end.
private struct Running: Sendable {
    let service: Service
    let stop = Latch()
    let ended = Latch()

    init(_ service: Service) { self.service = service }
}

/// One run of a group: who failed first, and when patience ends.
private final class Run: Sendable {
    let all: [Running]
    let failure = Mutex<ServiceFailure?>(nil)
    private let grace: Duration
    private let log: Log
    private let failed = Latch()
    private let stopping = Latch()
    private let stopped = Latch()
    private let patienceLost = Latch()

    init(_ all: [Running], grace: Duration, log: Log) {
        self.all = all
        self.grace = grace
        self.log = log
    }

    /// Runs one service to its end and cancels it when patience is lost.
    func follow(_ running: Running) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.perform(running) }
            group.addTask { await self.patienceLost.wait() }
            await group.next()
            group.cancelAll()
        }
        running.ended.open()
    }

    private func perform(_ running: Running) async {
        do {
            try await running.service.run(running.stop)
            if !running.stop.isOpen { note(.ended(service: running.service.name)) }
        } catch {
            note(.failed(service: running.service.name, error))
        }
    }

    private func note(_ reason: ServiceFailure) {
        log.error("service ended", ["reason": "\(reason)"])
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
            log.debug("stopping", ["service": "\(running.service.name)"])
            running.stop.open()
            await running.ended.wait()
        }
        stopped.open()
    }

    func losePatience() async {
        await stopping.wait()
        if await !stopped.wait(atMost: grace) {
            log.warning("stop takes too long", ["grace_seconds": .number(grace / .seconds(1))])
            patienceLost.open()
        }
    }
}
