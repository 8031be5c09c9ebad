import Glibc

/// An accepted, non-blocking connection. The loop closes it exactly once.
struct Socket {
    enum Transfer {
        case bytes(Int)
        case wouldBlock
        case ended
    }

    let descriptor: Int32

    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
        transferred(recv(descriptor, buffer.baseAddress, buffer.count, 0))
    }

    /// Never raises SIGPIPE.
    func send(_ bytes: UnsafeRawBufferPointer) -> Transfer {
        let flags = Int32(MSG_NOSIGNAL)
        return transferred(Glibc.send(descriptor, bytes.baseAddress, bytes.count, flags))
    }

    /// Tells the peer that nothing more comes, and still takes what it sends: closing with unread
    /// bytes would reset the connection and may destroy the answer on its way.
    func finishSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    func close() {
        Glibc.close(descriptor)
    }

    /// Closes and drops what the peer has not taken, instead of leaving it to the kernel.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    private func transferred(_ count: Int) -> Transfer {
        if count > 0 { return .bytes(count) }
        return count < 0 && (errno == EAGAIN || errno == EINTR) ? .wouldBlock : .ended
    }
}
