import CEpoll
import Glibc

/// A port of 127.0.0.1 in the form that the socket calls take.
struct LoopbackAddress {
    private var address = sockaddr_in()

    init(port: Int) {
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    }

    mutating func withPointer<Result>(
        _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, size) }
        }
    }

    /// A port that the kernel has just chosen as free; 0 if there is none.
    static func freePort() -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var wanted = LoopbackAddress(port: 0)
        guard wanted.withPointer({ bind(descriptor, $0, $1) }) == 0 else { return 0 }
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = wanted.withPointer { pointer, _ in getsockname(descriptor, pointer, &size) }
        return Int(UInt16(bigEndian: wanted.address.sin_port))
    }
}
