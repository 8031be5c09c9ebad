/// A message that `NOTIFY channel, 'payload'` sent.
public struct Notification: Sendable, Equatable {
    public let channel: String
    public let payload: String

    public init(channel: String, payload: String) {
        self.channel = channel
        self.payload = payload
    }
}

/// An element of a listener's sequence.
public enum ListenerSignal: Sendable, Equatable {
    case notified(Notification)
    /// Listening begins, or begins again. Notifications sent before were missed: look at the
    /// tables.
    case listening
    /// A pooler stands before the server, where LISTEN does not outlive its transaction. No
    /// notification will come: look at the tables at intervals.
    case unsupported
}

/// Listens on a session of its own, as a sequence that does not end by itself: a broken connection
/// is opened again. Iteration ends as soon as its task is cancelled. Behind a pooler it yields
/// `.unsupported` and ends.
public struct NotificationListener: AsyncSequence, Sendable {
    private static let waitMax = Duration.milliseconds(250)
    private static let pauseMin = Duration.milliseconds(50)
    private static let pauseMax = Duration.seconds(5)

    private let address: Address
    private let channels: [String]

    /// - Parameter channels: identifiers of this code, in lower case.
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
        private var isUnsupported = false
        private var arrived: ArraySlice<Notification> = []
        private var pause = pauseMin

        init(address: Address, channels: [String]) {
            self.channels = channels
            session = Session(to: address)
        }

        public mutating func next() async -> ListenerSignal? {
            while !Task.isCancelled, !isUnsupported {
                if let notification = arrived.popFirst() { return .notified(notification) }
                do {
                    guard isListening else {
                        try await listen()
                        return isUnsupported ? .unsupported : .listening
                    }
                    arrived = try await notifications()[...]
                } catch {
                    isListening = false
                    // A cancellation ends the pause, and the loop's condition sees it.
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
            isUnsupported = await session.isPooled
            if isUnsupported { return await session.close() }
            for channel in channels {
                try await session.query("LISTEN \(unescaped: channel)")
            }
            isListening = true
            pause = pauseMin
        }
    }
}
