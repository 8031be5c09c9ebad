/// Writes answers. A connection that has to close afterwards gives the client time to read its
/// answer.
extension EventLoop {
    /// The most bytes that are discarded after the last answer before the connection closes. They
    /// cover a body that is too large: a client that is cut off while it sends never reads why.
    private static let lingerBytesMax = 16 << 20

    func deliver(_ answer: HandlerResponse) {
        handlersRunning -= 1
        guard let connection = connections[answer.connection],
            case .handling(let pending) = connection.phase,
            pending.exchange == answer.exchange
        else { return }
        if answer.response.resetsConnection {
            forget(connection)
            return connection.socket.reset()
        }
        let closes = !pending.keepsAlive || answer.response.closesConnection
        respond(connection, answer.response, closes: closes, isHead: pending.isHead)
        advance(connection)
    }

    func respond(
        _ connection: ClientConnection, _ response: HTTPResponse, closes: Bool, isHead: Bool = false
    ) {
        let closes = closes || isDraining
        connection.outgoing = encode(
            response, date: currentDate(), closes: closes, hasBody: !isHead)
        connection.outgoingSent = 0
        connection.phase = .writing(closes: closes)
        connection.deadline = deadline(after: limits.responseTimeout)
        if closes { connection.reader.end() }
        count(connection.reader.bufferedBytes, for: connection)
        flush(connection)
    }

    /// Writes what the client takes now. After the last byte the connection reads or lingers.
    func flush(_ connection: ClientConnection) {
        guard case .writing(let closes) = connection.phase else { return }
        let sent = connection.outgoing.withUnsafeBytes { bytes in
            connection.socket.send(
                UnsafeRawBufferPointer(rebasing: bytes[connection.outgoingSent...]))
        }
        switch sent {
        case .bytes(let count): connection.outgoingSent += count
        case .wouldBlock: break
        case .ended: return close(connection)
        }
        guard connection.outgoingSent == connection.outgoing.count else {
            return setInterest(connection, .write)
        }
        connection.outgoing = []
        connection.timed = nil
        connection.phase = .reading
        if closes { startLingering(connection) }
    }

    private func startLingering(_ connection: ClientConnection) {
        connection.socket.finishSending()
        connection.phase = .lingering(bytesLeft: Self.lingerBytesMax)
        connection.deadline = deadline(after: limits.lingerMax)
        setInterest(connection, .read)
    }

    func discard(_ connection: ClientConnection, _ bytesLeft: Int) {
        switch connection.socket.receive(into: scratch) {
        case .bytes(let count) where count < bytesLeft:
            connection.phase = .lingering(bytesLeft: bytesLeft - count)
        case .wouldBlock:
            break
        case .bytes, .ended:
            close(connection)
        }
    }
}
