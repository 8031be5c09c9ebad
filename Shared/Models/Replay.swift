/// What an operator wants done again of an event.
public enum Replay: String, Sendable {
    /// What it has not done yet.
    case rest = "replay"
    /// All of it, also what it has done already.
    case all = "repeat"
}

extension EventID {
    /// `replay:<nonce>:<id>` or `repeat:<nonce>:<id>`.
    public init(_ replay: Replay, of event: EventID, nonce: String) {
        self.init("\(replay.rawValue):\(nonce):\(event)")
    }
}

extension Event {
    /// The event whose effects count as this one's: for a replay of the rest, what it replays.
    public var original: EventID {
        var id = id
        while source == .operator, case (.rest, let event)? = Self.replay(id) { id = event }
        return id
    }

    /// Whether this replays that one, in whole or in part.
    public func isReplay(of event: EventID) -> Bool {
        source == .operator && Self.replay(id)?.event == event
    }

    private static func replay(_ id: EventID) -> (replay: Replay, event: EventID)? {
        let parts = id.rawValue.split(separator: ":", maxSplits: 2)
        guard parts.count == 3, let replay = Replay(rawValue: String(parts[0])) else { return nil }
        return (replay, EventID(String(parts[2])))
    }
}
