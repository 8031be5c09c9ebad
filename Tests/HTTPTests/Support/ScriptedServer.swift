import CEpoll
import Dispatch
import Glibc
import XCTest

/// A server that follows a script for each connection, byte for byte, however wrong.
final class ScriptedServer: Sendable {
    let port: Int
    private let listener: Int32

    /// - Parameter script: gets the connection and its number, from 1; the connection closes when
    ///   no task holds it any more.
    init(_ script: @escaping @Sendable (RawConnection, Int) -> Void) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        self.listener = listener
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                XCTAssertEqual(bind(listener, address, length), 0)
                XCTAssertEqual(listen(listener, 128), 0)
                XCTAssertEqual(getsockname(listener, address, &length), 0)
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        DispatchQueue(label: "scripted").async {
            var number = 0
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { return }
                number += 1
                let connection = RawConnection(descriptor: descriptor)
                // A queue each: the global ones get a thread more only once a second.
                DispatchQueue(label: "script").async { [number] in script(connection, number) }
            }
        }
    }

    deinit {
        // Wakes the thread in accept, which closing alone would not.
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    var url: String { "http://127.0.0.1:\(port)/" }
}

/// Takes every request and never answers; tells of each in its journal.
struct SilentServer: Sendable {
    let journal = Journal()
    private let server: ScriptedServer

    init() throws {
        server = try ScriptedServer { [journal] connection, _ in
            _ = connection.requestHead()
            journal.add("got it")
            _ = connection.rest()
        }
    }

    var url: String { server.url }
}

extension RawConnection {
    /// The next request's head; `nil` at the end of the connection.
    func requestHead() -> String? {
        take(until: "\r\n\r\n")
    }

    func sendAnswer(_ status: String = "200 OK", _ fields: String = "", body: String = "") {
        send("HTTP/1.1 \(status)\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }
}
