import Dispatch
import Foundation  // String.range(of:)
import Glibc

/// Literal HTTP over a real socket: what is sent is exactly what the test says.
struct RawHTTP: Sendable {
    struct Answer: Sendable {
        var status: Int
        var head: String
        var body: String

        func header(_ name: String) -> String? {
            head.split(separator: "\r\n").first {
                $0.lowercased().hasPrefix("\(name.lowercased()):")
            }
            .map { $0.dropFirst(name.count + 1).drop { $0 == " " } }.map(String.init)
        }
    }

    typealias Fields = [(String, String)]

    struct Failed: Error { let reason: String }

    let port: Int

    /// Sends a request with the head's fields as given plus `Host`, `Content-Length` and
    /// `Connection: close`, and reads to the end.
    func send(
        _ method: String, _ path: String, _ headers: Fields = [], body: [UInt8] = [],
        declaring declared: Int? = nil
    ) async throws -> Answer {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: ingest.example\r\nConnection: close\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if method != "GET" { head += "Content-Length: \(declared ?? body.count)\r\n" }
        return try await exchange(Array((head + "\r\n").utf8) + body)
    }

    func exchange(_ bytes: [UInt8]) async throws -> Answer {
        let port = port
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "raw http").async {
                continuation.resume(with: Result { try Self.blocking(bytes, port) })
            }
        }
    }

    /// Begins a request and keeps it open: returns the socket once the server has shown, by asking
    /// for the body, that it has read the head.
    func beginRequest() throws -> Int32 {
        let socket = try Self.connected(to: port)
        let head =
            "POST / HTTP/1.1\r\nHost: ingest.example\r\nContent-Length: 9\r\n"
            + "Expect: 100-continue\r\n\r\n"
        Self.write(Array(head.utf8), to: socket)
        var interim = [UInt8](repeating: 0, count: 100)
        guard read(socket, &interim, interim.count) > 0 else { throw Failed(reason: "no 100") }
        return socket
    }

    private static func blocking(_ bytes: [UInt8], _ port: Int) throws -> Answer {
        let socket = try connected(to: port)
        defer { close(socket) }
        write(bytes, to: socket)
        return try parse(readToEnd(socket))
    }

    private static func connected(to port: Int) throws -> Int32 {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { throw Failed(reason: "socket") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Failed(reason: "connect: \(errno)") }
        return socket
    }

    /// A server that refuses early may close before it has taken everything: the answer counts.
    private static func write(_ bytes: [UInt8], to socket: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    private static func readToEnd(_ socket: Int32) -> [UInt8] {
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(socket, &chunk, chunk.count)
            guard count > 0 else { return answer }
            answer += chunk[..<count]
        }
    }

    private static func parse(_ bytes: [UInt8]) throws -> Answer {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n"), let status = Int(text.dropFirst(9).prefix(3))
        else { throw Failed(reason: "no answer: \(text.prefix(80))") }
        return Answer(
            status: status, head: String(text[..<end.lowerBound]),
            body: String(text[end.upperBound...]))
    }
}
