/// Reads requests up to their handler, and ends connections.
extension EventLoop {
    func readAvailable(_ connection: ClientConnection) {
        switch connection.phase {
        case .reading:
            switch connection.socket.receive(into: scratch) {
            case .bytes(let count):
                connection.reader.feed(UnsafeRawBufferPointer(rebasing: scratch[..<count]))
                advance(connection)
            case .wouldBlock:
                break
            case .ended:
                close(connection)
            }
        case .handling:
            setInterest(connection, [])
        case .writing:
            setInterest(connection, .write)
        case .lingering(let bytesLeft):
            discard(connection, bytesLeft)
        }
    }

    /// Processes the bytes that have arrived, up to the next wait.
    func advance(_ connection: ClientConnection) {
        while connection.isReading {
            switch connection.reader.next() {
            case .needsMore:
                return awaitMore(connection)
            case .head(let head):
                switch admit(head) {
                case .accept(let bodyBytesMax):
                    connection.reader.accept(bodyBytesMax: bodyBytesMax)
                case .acceptOnLoop(let bodyBytesMax, let loopHandler):
                    connection.loopHandler = loopHandler
                    connection.reader.accept(bodyBytesMax: bodyBytesMax)
                case .refuse(let response):
                    let isHead = head.method == "HEAD"
                    respond(connection, response, closes: true, isHead: isHead)
                }
            case .request(let request, let keepsAlive):
                dispatch(request, of: connection, keepsAlive: keepsAlive)
            case .refused(let refusal, let path):
                let reason: HTTPServerRefusal = refusal.status == 413 ? .tooLarge : .malformed
                refused(HTTPRefusedRequest(reason, path: path, fault: refusal.detail))
                respond(connection, refusal.response, closes: true)
            }
        }
    }

    private func awaitMore(_ connection: ClientConnection) {
        let progress = connection.reader.progress
        if isDraining && progress == .betweenRequests { return close(connection) }
        count(connection.reader.bufferedBytes, for: connection)
        guard bufferedBytes <= limits.bufferedBytesMax else {
            refused(HTTPRefusedRequest(.bytes))
            let full = HTTPResponse.unavailable(
                detail: "The server is receiving too much at once; send it again.")
            return respond(connection, full, closes: true)
        }
        if progress != connection.timed {
            connection.timed = progress
            connection.deadline = deadline(after: timeout(of: progress))
        }
        if connection.reader.takeContinue() && !sendContinue(connection) {
            return close(connection)
        }
        setInterest(connection, .read)
    }

    private func timeout(of progress: RequestReader.Progress) -> Duration {
        switch progress {
        case .betweenRequests: limits.idleTimeout
        case .head: limits.headTimeout
        case .body: limits.bodyTimeout
        }
    }

    /// Sends the interim answer, which fits into any socket buffer that is not full already.
    private func sendContinue(_ connection: ClientConnection) -> Bool {
        let line = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
        switch line.withUnsafeBytes(connection.socket.send) {
        case .bytes(let count): return count == line.count
        case .wouldBlock, .ended: return false
        }
    }

    private func dispatch(_ request: HTTPRequest, of connection: ClientConnection, keepsAlive: Bool)
    {
        let isHead = request.method == "HEAD"
        let loopHandler = connection.loopHandler.take()
        guard handlersRunning < limits.requestsInFlightMax else {
            refused(HTTPRefusedRequest(.requests))
            let busy = HTTPResponse.unavailable(
                detail: "The server is handling too many requests; send it again.")
            return respond(connection, busy, closes: !keepsAlive, isHead: isHead)
        }
        connection.exchanges += 1
        let reply = HTTPReply(
            connection: connection.id, exchange: connection.exchanges, inbox: inbox)
        let cancellation = loopHandler == nil ? HandlerCancellation() : nil
        if let cancellation {
            let exchange = Exchange(request: request, reply: reply, cancellation: cancellation)
            guard case .enqueued = exchanges.yield(exchange) else {
                refused(HTTPRefusedRequest(.stopping))
                let ending = HTTPResponse.unavailable(
                    detail: "The server is stopping; send the request again.")
                return respond(connection, ending, closes: true, isHead: isHead)
            }
        }
        handlersRunning += 1
        count(request.body.count + connection.reader.bufferedBytes, for: connection)
        connection.deadline = deadline(after: limits.handlerTimeout)
        connection.phase = .handling(
            ClientConnection.Pending(
                exchange: reply.exchange, cancellation: cancellation, keepsAlive: keepsAlive,
                isHead: isHead))
        loopHandler?(request, reply)
    }

    /// Ends the connection's phase, whose deadline has passed.
    func expire(_ connection: ClientConnection) {
        switch connection.phase {
        case .reading:
            guard connection.reader.progress != .betweenRequests else { return close(connection) }
            let late = RequestError(408, "The request did not arrive whole in time.")
            refused(
                HTTPRefusedRequest(.late, path: connection.reader.path, fault: late.detail))
            respond(connection, late.response, closes: true)
        case .handling(let pending):
            pending.cancellation?.cancel()
            refused(HTTPRefusedRequest(.unanswered))
            let late = HTTPResponse.unavailable(
                detail: "The answer was not ready in time; send the request again.")
            respond(connection, late, closes: true, isHead: pending.isHead)
        case .writing:
            forget(connection)
            connection.socket.reset()
        case .lingering:
            close(connection)
        }
    }

    func close(_ connection: ClientConnection) {
        forget(connection)
        connection.socket.close()
    }

    func forget(_ connection: ClientConnection) {
        count(0, for: connection)
        connections[connection.id] = nil
    }

    func setInterest(_ connection: ClientConnection, _ interest: Poller.Interest) {
        guard connection.interest != interest else { return }
        connection.interest = interest
        poller.modify(connection.socket.descriptor, token: connection.id, interest)
    }

    func count(_ bytes: Int, for connection: ClientConnection) {
        bufferedBytes += bytes - connection.countedBytes
        connection.countedBytes = bytes
    }
}
