extension String {
    /// True if the text contains the part. Texts of ASCII, which nearly all are, are searched as
    /// bytes; all others by character, so that composed and decomposed letters are the same.
    func holds(_ part: String) -> Bool {
        if part.isEmpty { return true }
        return holdsASCII(part) ?? contains(part)
    }

    private func holdsASCII(_ part: String) -> Bool? {
        guard isASCII, part.isASCII else { return nil }
        return withBytes { whole in part.withBytes { whole.holds($0) } }
    }

    private var isASCII: Bool { utf8.allSatisfy { $0 < 0x80 } }

    /// A native Swift text is contiguous; another one is made so first.
    private func withBytes<T>(_ body: (UnsafeBufferPointer<UInt8>) -> T) -> T {
        if let answer = utf8.withContiguousStorageIfAvailable(body) { return answer }
        var copy = self
        return copy.withUTF8(body)
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// - Parameter part: not empty.
    fileprivate func holds(_ part: Self) -> Bool {
        guard count >= part.count else { return false }
        for start in 0...(count - part.count) where self[start] == part[0] {
            if self[start..<(start + part.count)].elementsEqual(part) { return true }
        }
        return false
    }
}
