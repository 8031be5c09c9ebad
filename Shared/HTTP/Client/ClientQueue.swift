/// Which calls wait for a connection, in order for each host. A slow host uses up its own
/// connections only.
struct ClientQueue {
    private struct Host {
        var running = 0
        var waiting: ArraySlice<UInt64> = []
        var isReady = false
    }

    private let runningMax: Int
    private let runningPerHostMax: Int
    private var running = 0
    private var hosts: [String: Host] = [:]
    private var calls: [UInt64: ClientCall] = [:]
    /// Hosts with a call waiting and a connection free, each once; they take turns.
    private var ready: ArraySlice<String> = []

    init(limits: HTTPClientLimits) {
        runningMax = limits.connectionsMax
        runningPerHostMax = limits.connectionsPerHostMax
    }

    mutating func add(_ call: ClientCall) {
        calls[call.id] = call
        hosts[call.host, default: Host()].waiting.append(call.id)
        markIfReady(call.host)
    }

    /// The call to start now, which then counts as running until `finished`.
    mutating func next() -> ClientCall? {
        while running < runningMax, let name = ready.popFirst() {
            hosts[name]?.isReady = false
            guard let id = hosts[name]?.waiting.popFirst() else { continue }
            // It may have been removed while it waited.
            guard let call = calls.removeValue(forKey: id) else {
                markIfReady(name)
                continue
            }
            running += 1
            hosts[name]?.running += 1
            markIfReady(name)
            return call
        }
        return nil
    }

    mutating func finished(_ call: ClientCall) {
        running -= 1
        hosts[call.host]?.running -= 1
        markIfReady(call.host)
        if let host = hosts[call.host], host.running == 0, host.waiting.isEmpty, !host.isReady {
            hosts[call.host] = nil
        }
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

    private mutating func markIfReady(_ name: String) {
        guard let host = hosts[name], !host.isReady, !host.waiting.isEmpty,
            host.running < runningPerHostMax
        else { return }
        hosts[name]?.isReady = true
        ready.append(name)
    }
}
