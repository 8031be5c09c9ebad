/// What `NOTIFY channel, 'payload'` sent.
public struct Notification: Sendable, Equatable {
    public let channel: String
    public let payload: String

    public init(channel: String, payload: String) {
        self.channel = channel
        self.payload = payload
    }
}

/// What a listener hears.
public enum Signal: Sendable, Equatable {
    case notified(Notification)
    /// Listening begins, or begins again: what was sent before was not heard. Look for yourself.
    case listening
    /// A pooler stands between, where LISTEN would be somebody else's by the next transaction.
    /// Nothing will be heard: look for yourself every so often.
    case deaf
}

/// LISTEN on a session of its own, as a sequence that never ends by itself: a broken connection is
/// opened again. Iteration ends as soon as its task is cancelled. Behind a pooler it says so once
/// and ends.
public struct Listener: AsyncSequence, Sendable {
    private static let waitMax = Duration.milliseconds(250)
    private static let pauseMin = Duration.milliseconds(50)
    private static let pauseMax = Duration.seconds(5)

    private let address: Address
    private let channels: [String]

    /// - Parameter channels: identifiers made by this code, lower case.
    public init(to address: Address, channels: [String]) {
        self.address = address
        self.channels = channels
    }

    public func makeAsyncIterator() -> Iterator {
        Iterator(address: address, channels: channels)
    }

    public struct Iterator: AsyncIteratorProtocol {
        private let channels: [String]
        private let session: Session
        private let interrupter = WaitInterrupter()
        private var isListening = false
        private var isDeaf = false
        private var arrived: ArraySlice<Notification> = []
        private var pause = pauseMin

        init(address: Address, channels: [String]) {
            self.channels = channels
            session = Session(to: address)
        }

        public mutating func next() async -> Signal? {
            while !Task.isCancelled, !isDeaf {
                if let notification = arrived.popFirst() { return .notified(notification) }
                do {
                    guard isListening else {
                        try await listen()
                        return isDeaf ? .deaf : .listening
                    }
                    arrived = try await notifications()[...]
                } catch {
                    isListening = false
                    // Cancellation ends the pause; the loop's condition sees it.
                    try? await Task.sleep(for: pause)
                    pause = Swift.min(pause * 2, pauseMax)
                }
            }
            return nil
        }

        private func notifications() async throws -> [Notification] {
            try await withTaskCancellationHandler {
                try await session.notifications(
                    waiting: waitMax, unless: interrupter)
            } onCancel: { [interrupter] in
                interrupter.interrupt()
            }
        }

        private mutating func listen() async throws(PostgresError) {
            try await session.open()
            isDeaf = await session.isPooled
            if isDeaf { return await session.close() }
            for channel in channels {
                try await session.query("LISTEN \(unescaped: channel)")
            }
            isListening = true
            pause = pauseMin
        }
    }
}
