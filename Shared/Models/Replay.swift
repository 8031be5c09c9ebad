/// The part of an event that an operator wants done again.
public enum Replay: String, Sendable {
    /// The effects that the event has not had yet.
    case rest = "replay"
    /// All effects, also those that the event has had already.
    case all = "repeat"
}

extension EventID {
    /// `replay:<nonce>:<id>` or `repeat:<nonce>:<id>`.
    public init(_ replay: Replay, of event: EventID, nonce: String) {
        self.init("\(replay.rawValue):\(nonce):\(event)")
    }
}

extension Event {
    /// The event whose effects count as this one's: the original of a replay of the rest, else
    /// itself.
    public var original: EventID {
        var id = id
        while source == .operator, case (.rest, let event)? = Self.replay(id) { id = event }
        return id
    }

    /// True if this replays that event, in whole or in part.
    public func isReplay(of event: EventID) -> Bool {
        source == .operator && Self.replay(id)?.event == event
    }

    private static func replay(_ id: EventID) -> (replay: Replay, event: EventID)? {
        let parts = id.rawValue.split(separator: ":", maxSplits: 2)
        guard parts.count == 3, let replay = Replay(rawValue: String(parts[0])) else { return nil }
        return (replay, EventID(String(parts[2])))
    }
}
