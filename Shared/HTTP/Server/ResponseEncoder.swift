import Glibc

/// The bytes of one answer (RFC 9112 sections 4 to 6). `Content-Length` delimits it, and
/// `Connection: close` announces that the connection closes.
///
/// - Parameter hasBody: `false` for HEAD, whose answer only describes the body.
func encode(
    _ response: HTTPResponse, date: String, closes: Bool, hasBody: Bool = true
) -> [UInt8] {
    guard (200...599).contains(response.status), response.headers.areWritable else {
        let problem = HTTPResponse.problem(
            status: 500, detail: "The server made an answer that cannot be sent.")
        return encode(problem, date: date, closes: closes, hasBody: hasBody)
    }
    // RFC 9110 section 8.6: never with 204; with 304 it would describe another answer's body.
    let describesBody = response.status != 204 && response.status != 304
    let body = describesBody && hasBody ? response.body : []
    var bytes: [UInt8] = []
    bytes.reserveCapacity(256 + body.count)
    bytes += "HTTP/1.1 ".utf8
    bytes += String(response.status).utf8
    bytes.append(UInt8(ascii: " "))
    bytes += reasonPhrase(of: response.status).utf8
    bytes += "\r\n".utf8
    appendField("Date", date, to: &bytes)
    response.headers.forEach { name, value in
        if !isServersOwn(name) { appendField(name, value, to: &bytes) }
    }
    if closes { appendField("Connection", "close", to: &bytes) }
    if describesBody { appendField("Content-Length", String(response.body.count), to: &bytes) }
    bytes += "\r\n".utf8
    bytes += body
    return bytes
}

private func appendField(_ name: String, _ value: String, to bytes: inout [UInt8]) {
    bytes += name.utf8
    bytes += ": ".utf8
    bytes += value.utf8
    bytes += "\r\n".utf8
}

private func isServersOwn(_ name: String) -> Bool {
    switch name.utf8.count {
    case 4: equalIgnoringCase(name, "date")
    case 10: equalIgnoringCase(name, "connection")
    case 14: equalIgnoringCase(name, "content-length")
    case 17: equalIgnoringCase(name, "transfer-encoding")
    case _: false
    }
}

/// RFC 9110 section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
func httpDate(secondsSince1970: Int) -> String {
    var seconds = time_t(secondsSince1970)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let day = "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday))"
    let month = "\(months[Int(parts.tm_mon)]) \(parts.tm_year + 1900)"
    return "\(day) \(month) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
}
