import CEpoll
import Glibc

/// A listening, non-blocking TCP socket.
struct ListeningSocket: ~Copyable {
    enum Accepted {
        case socket(Int32)
        case noneWaiting
        /// The process or the machine is out of descriptors or memory: try again later.
        case exhausted
    }

    let descriptor: Int32
    let port: Int

    init(host: String, port: Int) throws(HTTPServerError) {
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var addresses: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &addresses) == 0, let address = addresses
        else { throw .hostUnknown(host) }
        defer { freeaddrinfo(addresses) }
        descriptor = try listeningSocket(on: address.pointee)
        self.port = boundPort(of: descriptor)
    }

    deinit {
        close(descriptor)
    }

    func accept() -> Accepted {
        while true {
            let socket = accept4(
                descriptor, nil, nil, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
            if socket >= 0 { return .socket(socket) }
            switch errno {
            case EAGAIN: return .noneWaiting
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
            // Any other error concerns one connection that was closed while it waited.
            case _: continue
            }
        }
    }
}

private func listeningSocket(on address: addrinfo) throws(HTTPServerError) -> Int32 {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(address.ai_family, kind, 0)
    guard descriptor >= 0 else { throw .descriptorsExhausted(errno: errno) }
    setOption(descriptor, SOL_SOCKET, SO_REUSEADDR)
    // Accepted sockets inherit the option: answers are written whole and must not wait for an ACK.
    setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY)
    guard bind(descriptor, address.ai_addr, address.ai_addrlen) == 0,
        listen(descriptor, 4096) == 0
    else {
        let reason = errno
        close(descriptor)
        throw .addressUnavailable(errno: reason)
    }
    return descriptor
}

private func setOption(_ descriptor: Int32, _ level: Int32, _ option: Int32) {
    var on: Int32 = 1
    setsockopt(descriptor, level, option, &on, socklen_t(MemoryLayout<Int32>.size))
}

private func boundPort(of descriptor: Int32) -> Int {
    var address = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutableBytes(of: &address) { bytes in
        let header = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self)
        guard getsockname(descriptor, header, &length) == 0 else { return 0 }
        // The port stands at the same place in IPv4 and IPv6 addresses.
        return Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
    }
}
