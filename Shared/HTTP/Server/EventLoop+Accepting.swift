/// How connections begin, and how the loop stops beginning any.
extension EventLoop {
    /// Connections over the limit that are told so; beyond them there is only a close.
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
        let connection = Connection(
            id: nextToken, socket: socket, limits: limits,
            deadline: deadline(after: limits.headTimeout))
        nextToken += 1
        guard connections.count < limits.connectionsMax + Self.refusalsMax,
            poller.add(socket.descriptor, token: connection.id, .read)
        else { return socket.close() }
        connections[connection.id] = connection
        if connections.count > limits.connectionsMax {
            refused(HTTPRefusedRequest(.connections))
            let full = HTTPResponse.unavailable(detail: "There are too many connections.")
            respond(connection, full, closes: true)
        }
    }

    /// Takes no new connection and lets go of the idle ones. What a client has begun to send, also
    /// what the kernel still holds for us, is finished.
    func drain() {
        guard !isDraining else { return }
        acceptWaiting()
        isDraining = true
        listener = nil
        for connection in connections.values where connection.isReading { receive(connection) }
        for connection in connections.values
        where connection.isReading && connection.reader.progress == .betweenRequests {
            close(connection)
        }
    }

    /// Nobody consumes exchanges any more: those without an answer get one now.
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
