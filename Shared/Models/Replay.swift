/// The part of an event that an operator wants done again.
public enum ReplayScope: String, CaseIterable, Sendable {
    /// The effects that the event has not had yet.
    case rest
    /// All effects, also those that the event has had already.
    case all
}

/// The origin of a replay.
public struct ReplayOrigin: Hashable, Sendable {
    public var scope: ReplayScope
    /// The event that is replayed. It may be a replay itself.
    public var event: EventID
    /// The event whose effects count as the replay's own: what they did is not done again.
    public var effectOwner: EventID

    public init(_ scope: ReplayScope, of event: EventID, effectOwner: EventID) {
        self.scope = scope
        self.event = event
        self.effectOwner = effectOwner
    }
}

extension Event {
    /// The event whose effects count as this one's: for a replay of the rest that of the replayed
    /// event, for every other event itself.
    public var effectOwner: EventID { replay?.effectOwner ?? id }

    /// True if this event replays that one, in whole or in part.
    public func isReplay(of event: EventID) -> Bool { replay?.event == event }

    /// The same event once more, by an operator.
    ///
    /// - Parameter nonce: tells replays of one event apart. It stands in the id, which people read;
    ///   the origin is what programs read.
    public func replayed(_ scope: ReplayScope, nonce: String) -> Event {
        var event = self
        event.id = EventID("\(scope.idPrefix):\(nonce):\(id)")
        event.source = .operator
        let owner =
            switch scope {
            case .rest: effectOwner
            case .all: event.id
            }
        event.replay = ReplayOrigin(scope, of: id, effectOwner: owner)
        return event
    }
}

extension ReplayScope {
    fileprivate var idPrefix: String {
        switch self {
        case .rest: "replay"
        case .all: "repeat"
        }
    }
}
