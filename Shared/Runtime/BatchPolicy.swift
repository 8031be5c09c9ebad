/// The size of a request, or of several that travel in one call.
public struct BatchSize: Equatable, Sendable {
    /// The number of records: one for most requests.
    public var count: Int
    public var bytes: Int

    public init(count: Int, bytes: Int = 0) {
        self.count = count
        self.bytes = bytes
    }

    public static let one = BatchSize(count: 1)
    public static let zero = BatchSize(count: 0)

    static func + (left: BatchSize, right: BatchSize) -> BatchSize {
        BatchSize(count: left.count + right.count, bytes: left.bytes + right.bytes)
    }

    static func - (left: BatchSize, right: BatchSize) -> BatchSize {
        BatchSize(count: left.count - right.count, bytes: left.bytes - right.bytes)
    }

    func fits(_ limit: BatchSize) -> Bool { count <= limit.count && bytes <= limit.bytes }
}

/// The limits that a ``BatchQueue`` keeps.
public struct BatchLimits: Sendable {
    /// The largest call. A request that is larger by itself makes a call of its own.
    public var sizeMax: BatchSize
    /// The calls under way at the same time.
    public var callsMax: Int
    /// A request waits no longer than this for others while a call is under way and `callsMax`
    /// allows another one.
    public var lingerMax: Duration
    /// A call waits no longer than this for the requests that were announced before it.
    public var gatherMax: Duration

    public init(
        sizeMax: BatchSize, callsMax: Int = 1, lingerMax: Duration = .zero,
        gatherMax: Duration = .zero
    ) {
        self.sizeMax = sizeMax
        self.callsMax = callsMax
        self.lingerMax = lingerMax
        self.gatherMax = gatherMax
    }
}

/// The rules by which a ``Batcher`` puts requests together.
public struct BatchPolicy<Request: Sendable>: Sendable {
    public typealias Key = @Sendable (Request) -> AnyHashable

    public var requestsMax: Int
    /// The longest wait for announced requests.
    public var gatherMax: Duration
    /// Requests of one call have equal groups; nil lets all of them travel together.
    public var group: Key?
    /// No two requests of one call have the same identity, and those of the same identity are sent
    /// in the order of their arrival. nil means that all differ.
    public var identity: Key?
    /// The order of the requests within a call; nil keeps the order of arrival.
    public var precedes: (@Sendable (Request, Request) -> Bool)?

    public init(
        requestsMax: Int, gatherMax: Duration = .zero, group: Key? = nil, identity: Key? = nil,
        precedes: (@Sendable (Request, Request) -> Bool)? = nil
    ) {
        self.requestsMax = requestsMax
        self.gatherMax = gatherMax
        self.group = group
        self.identity = identity
        self.precedes = precedes
    }
}
