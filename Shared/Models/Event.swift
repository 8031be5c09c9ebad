/// Something that happened at a vendor (or is replayed by a person), in our words.
public struct Event: Hashable, Sendable {
    public var id: EventID
    public var connection: ConnectionID
    public var source: EventSource
    public var kind: EventKind
    public var occurredAt: Timestamp
    public var lane: LaneKey
    public var format: EventFormat
    /// The vendor's payload of this one event as JSON text. It is kept whole, so that a later
    /// version can read more of it.
    public var payload: [UInt8]
    /// `nil` for an event that is no replay.
    public var replay: ReplayOrigin?

    public init(
        id: EventID, connection: ConnectionID, source: EventSource, kind: EventKind,
        occurredAt: Timestamp, lane: LaneKey, format: EventFormat, payload: [UInt8],
        replay: ReplayOrigin? = nil
    ) {
        self.id = id
        self.connection = connection
        self.source = source
        self.kind = kind
        self.occurredAt = occurredAt
        self.lane = lane
        self.format = format
        self.payload = payload
        self.replay = replay
    }
}

public enum EventSource: String, CaseIterable, Sendable {
    case pagerDuty, salesforce, `operator`
}

/// The format of `Event.payload`.
public enum EventFormat: String, CaseIterable, Sendable {
    /// The `event` object of a V3 webhook.
    case pagerDutyV3
    /// One element of `messages` of a V2 webhook.
    case pagerDutyV2
    /// One record of the Apex package:
    /// `{"object", "old", "new", "isInsert", "userId"?, "transactionId"?}`; `old` and `new` are
    /// field maps or null.
    case apexTrigger
    /// One notification: `{"object", "new", "organizationId"}`; values are texts; there is no old
    /// state.
    case outboundMessage
}

/// An event on its way into the log.
public struct NewEvent: Hashable, Sendable {
    public var event: Event
    /// Two events of a connection with one key are one event, since vendors deliver at least once
    /// (PagerDuty.md 27, Salesforce.md 50). The key is kept 30 days.
    ///
    /// - V3: `event.id`. It is inside the signed body, so it cannot be exchanged as the header
    ///   `X-Webhook-Id` could (PagerDuty.md 16 and 18).
    /// - V2: the message id. Outbound message: `Notification.Id`.
    /// - Apex: the transaction, the record and a hash of the changed fields.
    public var deduplicationKey: String

    public init(event: Event, deduplicationKey: String) {
        self.event = event
        self.deduplicationKey = deduplicationKey
    }
}
