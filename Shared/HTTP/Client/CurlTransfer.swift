import CCurl

/// One call while libcurl works on it. libcurl holds unretained pointers to this object, to its
/// body and to its header list; it lives until its handle has left the multi handle.
final class CurlTransfer {
    let call: ClientCall
    let easy: UnsafeMutableRawPointer
    let limits: HTTPClientLimits
    let body: UnsafeMutableBufferPointer<UInt8>
    var fields: UnsafeMutablePointer<curl_slist>?

    private var response = HTTPResponse(status: 0)
    private var headerBytes = 0
    private var headersAreComplete = false
    /// The reason for which a callback of ours stopped the transfer.
    private var stopReason: String?
    private var mayNotBegin = false

    init(_ call: ClientCall, on easy: UnsafeMutableRawPointer, limits: HTTPClientLimits) {
        self.call = call
        self.easy = easy
        self.limits = limits
        // The buffer always has an address: without one libcurl would call a read callback.
        body = .allocate(capacity: max(1, call.request.body.count))
        _ = body.update(fromContentsOf: call.request.body)
    }

    deinit {
        curl_slist_free_all(fields)
        body.deallocate()
    }

    /// The outcome of the call, given libcurl's result of the transfer.
    func outcome(_ result: CURLcode) -> ClientCall.Outcome {
        if result == CURLE_OK && isPlausible {
            response.status = curl_get_number(easy, CURLINFO_RESPONSE_CODE)
            return .success(response)
        }
        let said = result == CURLE_OK ? "the answer is malformed" : nil
        let reason = stopReason ?? said ?? String(cString: curl_easy_strerror(result))
        if mayNotBegin && !hasSent { return .failure(.notBegun(reason: reason)) }
        return .failure(hasSent ? .unknownOutcome(reason: reason) : .notSent(reason: reason))
    }

    /// False for an answer whose head was cut off or has contradicting lengths: libcurl accepts
    /// both.
    private var isPlausible: Bool {
        headersAreComplete && Set(response.headers.values("Content-Length")).count <= 1
    }

    /// False if certainly no byte was sent: libcurl counts the bytes that the socket took.
    private var hasSent: Bool {
        curl_get_number(easy, CURLINFO_REQUEST_SIZE) > 0
    }

    /// libcurl calls this before it sends the request, and again before it repeats it. It repeats
    /// any method by itself if a reused connection ends before the first byte of an answer; the
    /// server may have acted by then, so only safe methods are repeated here.
    func maySend() -> Bool {
        guard call.request.mayBegin() else {
            mayNotBegin = true
            stopReason = "the caller withdrew it before it began"
            return false
        }
        if !hasSent || ["GET", "HEAD"].contains(call.request.method) { return true }
        stopReason = "the connection ended before an answer"
        return false
    }

    /// The number of bytes taken; any other than all ends the transfer.
    func appendBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard response.body.count + bytes.count <= limits.responseBytesMax else {
            stopReason = "the answer is longer than \(limits.responseBytesMax) bytes"
            return 0
        }
        response.body.append(contentsOf: bytes)
        return bytes.count
    }

    /// Called once for each line of each head, interim answers' included, and for trailer fields.
    func parseHeaderLine(_ bytes: UnsafeRawBufferPointer) -> Int {
        headerBytes += bytes.count
        guard headerBytes <= limits.responseHeaderBytesMax else {
            stopReason = "the answer's head is longer than \(limits.responseHeaderBytesMax) bytes"
            return 0
        }
        let line = bytes.prefix { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }
        if line.starts(with: "HTTP/".utf8) {
            response.headers = [:]
            headersAreComplete = false
        } else if line.isEmpty {
            headersAreComplete = true
        } else if !headersAreComplete, let colon = line.firstIndex(of: UInt8(ascii: ":")) {
            response.headers.append(
                String(decoding: line[..<colon], as: UTF8.self),
                String(decoding: trimmed(line[(colon + 1)...]), as: UTF8.self))
        }
        return bytes.count
    }
}

private func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
    var bytes = bytes.drop(while: isBlank)
    while let last = bytes.last, isBlank(last) { bytes.removeLast() }
    return bytes
}
