/// The calls that wait for a connection, in order for each host. A slow host uses up its own
/// connections only.
struct ClientQueue {
    private struct Host {
        var running = 0
        var urgent: ArraySlice<UInt64> = []
        var waiting: ArraySlice<UInt64> = []

        var isWaiting: Bool { !urgent.isEmpty || !waiting.isEmpty }

        mutating func take() -> UInt64? { urgent.popFirst() ?? waiting.popFirst() }
    }

    private let runningMax: Int
    private let runningPerHostMax: Int
    private var running = 0
    private var hosts: [String: Host] = [:]
    private var calls: [UInt64: ClientCall] = [:]
    /// Hosts with a waiting call, each once, in the order in which they are served.
    private var readyHosts: [String] = []

    init(limits: HTTPClientLimits) {
        runningMax = limits.connectionsMax
        runningPerHostMax = limits.connectionsPerHostMax
    }

    mutating func add(_ call: ClientCall) {
        calls[call.id] = call
        var host = hosts[call.host] ?? Host()
        if !host.isWaiting { readyHosts.append(call.host) }
        if call.request.isUrgent {
            host.urgent.append(call.id)
        } else {
            host.waiting.append(call.id)
        }
        hosts[call.host] = host
    }

    /// The call to start now, which then counts as running until `finished`.
    mutating func next() -> ClientCall? {
        while let index = readyHosts.firstIndex(where: mayStart) {
            let name = readyHosts.remove(at: index)
            let id = hosts[name]?.take()
            if hosts[name]?.isWaiting == true { readyHosts.append(name) }
            // It may have been removed while it waited.
            guard let call = id.flatMap({ calls.removeValue(forKey: $0) }) else {
                forgetIfIdle(name)
                continue
            }
            running += 1
            hosts[name]?.running += 1
            return call
        }
        return nil
    }

    mutating func finished(_ call: ClientCall) {
        running -= 1
        hosts[call.host]?.running -= 1
        forgetIfIdle(call.host)
    }

    mutating func remove(_ id: UInt64) -> ClientCall? {
        calls.removeValue(forKey: id)
    }

    mutating func removeAll(where isExpired: (ClientCall) -> Bool = { _ in true }) -> [ClientCall] {
        let expired = calls.values.filter(isExpired)
        for call in expired { calls[call.id] = nil }
        return expired
    }

    var isEmpty: Bool { calls.isEmpty }

    /// Returns true if a call of the host may start. An urgent call does not wait for the others.
    private func mayStart(_ name: String) -> Bool {
        guard let host = hosts[name] else { return false }
        if !host.urgent.isEmpty { return host.running <= runningPerHostMax }
        let left = runningMax - (running - host.running)
        return host.running < min(runningPerHostMax, left > 1 ? left * 2 / 3 : left)
    }

    private mutating func forgetIfIdle(_ name: String) {
        if let host = hosts[name], host.running == 0, !host.isWaiting { hosts[name] = nil }
    }
}
