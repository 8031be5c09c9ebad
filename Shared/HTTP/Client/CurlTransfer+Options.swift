import CCurl

extension CurlTransfer {
    /// Tells libcurl about the call. Absent on purpose: redirects, cookies, proxies, compression,
    /// user information in URLs and every protocol but HTTP/1.1.
    ///
    /// - Returns: true if libcurl took every option.
    func configure() -> Bool {
        (setConnection() + setTimes() + setMethod() + setHeaders() + setCallbacks())
            .allSatisfy { $0 == CURLE_OK }
    }

    private func setConnection() -> [CURLcode] {
        [
            curl_set_text(easy, CURLOPT_URL, call.request.url),
            curl_set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https"),
            curl_set_number(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1),
            curl_set_number(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2),
            curl_set_number(easy, CURLOPT_FOLLOWLOCATION, 0),
            curl_set_number(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1),
            // SIGPIPE is then ours to keep away; the loop's thread blocks it.
            curl_set_number(easy, CURLOPT_NOSIGNAL, 1),
            // Lets go of a name lookup that is cancelled or late; without it libcurl waits for
            // the lookup's end, and every other transfer with it.
            curl_set_number(easy, CURLOPT_QUICK_EXIT, 1),
            // Empty, not unset: unset, libcurl asks the environment for a proxy.
            curl_set_text(easy, CURLOPT_PROXY, ""),
        ]
    }

    private func setTimes() -> [CURLcode] {
        let whole = nanoseconds(call.request.timeout) / 1_000_000
        let connect = nanoseconds(limits.connectTimeout) / 1_000_000
        let idle = nanoseconds(limits.connectionIdleMax) / 1_000_000_000
        return [
            // Zero would be "none".
            curl_set_number(easy, CURLOPT_TIMEOUT_MS, Int(max(1, whole))),
            curl_set_number(easy, CURLOPT_CONNECTTIMEOUT_MS, Int(max(1, connect))),
            curl_set_number(easy, CURLOPT_MAXAGE_CONN, Int(idle)),
        ]
    }

    private func setMethod() -> [CURLcode] {
        let request = call.request
        if request.method == "HEAD" { return [curl_set_number(easy, CURLOPT_NOBODY, 1)] }
        let method = curl_set_text(easy, CURLOPT_CUSTOMREQUEST, request.method)
        if request.body.isEmpty && !["POST", "PUT", "PATCH"].contains(request.method) {
            return [method]
        }
        return [
            curl_set_number(easy, CURLOPT_POST, 1), method,
            curl_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.count)),
            curl_set_pointer(easy, CURLOPT_POSTFIELDS, body.baseAddress),
        ]
    }

    private func setHeaders() -> [CURLcode] {
        // A name without value takes libcurl's own field away: it would wait for 100 (Continue)
        // before a large body, and call every body a form.
        var lines = ["Expect:"]
        if call.request.headers["Content-Type"] == nil { lines.append("Content-Type:") }
        call.request.headers.forEach { name, value in
            lines.append(value.isEmpty ? "\(name);" : "\(name): \(value)")
        }
        for line in lines {
            guard let longer = curl_slist_append(fields, line) else { return [CURLE_OUT_OF_MEMORY] }
            fields = longer
        }
        return [curl_set_pointer(easy, CURLOPT_HTTPHEADER, fields)]
    }

    private func setCallbacks() -> [CURLcode] {
        let context = Unmanaged.passUnretained(self).toOpaque()
        return [
            curl_set_bytes_callback(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
                let bytes = UnsafeRawBufferPointer(start: bytes, count: size * count)
                return transfer(context)?.appendBody(bytes) ?? 0
            },
            curl_set_pointer(easy, CURLOPT_WRITEDATA, context),
            curl_set_bytes_callback(easy, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
                let bytes = UnsafeRawBufferPointer(start: bytes, count: size * count)
                return transfer(context)?.parseHeaderLine(bytes) ?? 0
            },
            curl_set_pointer(easy, CURLOPT_HEADERDATA, context),
            curl_set_prerequest_callback(easy) { context, _, _, _, _ in
                let maySend = transfer(context)?.maySend() ?? false
                return maySend ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
            },
            curl_set_pointer(easy, CURLOPT_PREREQDATA, context),
        ]
    }
}

private func transfer(_ context: UnsafeMutableRawPointer?) -> CurlTransfer? {
    context.map { Unmanaged<CurlTransfer>.fromOpaque($0).takeUnretainedValue() }
}
