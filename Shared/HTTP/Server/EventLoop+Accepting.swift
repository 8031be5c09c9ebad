/// Accepts connections until the loop drains.
extension EventLoop {
    /// The connections over the limit that get an answer; further ones are only closed.
    private static let refusalsMax = 64

    func acceptWaiting() {
        while let accepted = listener?.accept() {
            switch accepted {
            case .socket(let descriptor):
                open(Socket(descriptor: descriptor))
            case .noneWaiting:
                return
            case .exhausted:
                // Still readable, so asking again at once would spin.
                listenerRests = true
                setListenerInterest([])
                return
            }
        }
    }

    private func open(_ socket: Socket) {
        let connection = ClientConnection(
            id: nextToken, socket: socket, limits: limits,
            deadline: deadline(after: limits.headTimeout))
        nextToken += 1
        guard connections.count < limits.connectionsMax + Self.refusalsMax,
            poller.add(socket.descriptor, token: connection.id, .read)
        else { return socket.close() }
        connections[connection.id] = connection
        if connections.count > limits.connectionsMax {
            refused(HTTPRefusedRequest(.connections))
            let full = HTTPResponse.unavailable(
                detail: "The server has too many connections; try again.")
            respond(connection, full, closes: true)
        }
    }

    /// Takes no new connection and closes the idle ones. Requests of which a byte has arrived, also
    /// in the kernel, are finished.
    func drain() {
        guard !isDraining else { return }
        acceptWaiting()
        isDraining = true
        listener = nil
        for connection in connections.values where connection.isReading {
            readAvailable(connection)
        }
        for connection in connections.values
        where connection.isReading && connection.reader.progress == .betweenRequests {
            close(connection)
        }
    }

    /// Answers all requests that still wait for a handler: no task serves them any more.
    func abandon() {
        drain()
        for connection in connections.values {
            switch connection.phase {
            case .handling, .reading: connection.deadline = now
            case .writing, .lingering: break
            }
        }
        for connection in connections.values where now >= connection.deadline {
            expire(connection)
        }
    }
}
