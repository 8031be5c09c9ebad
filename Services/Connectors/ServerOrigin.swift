/// Scheme, host and port of a server: the destination of a credential.
public struct ServerOrigin: Hashable, Sendable {
    public let isSecure: Bool
    /// Lower case; an IPv6 address stands in brackets.
    public let host: String
    /// Nil stands for the scheme's default port.
    public let port: Int?

    /// `https://name[:port][/]` and nothing more: no user, path, query or fragment.
    public init?(_ text: String) {
        let lower = text.lowercased()
        let rest: Substring
        if lower.hasPrefix("https://") {
            (isSecure, rest) = (true, lower.dropFirst(8))
        } else if lower.hasPrefix("http://") {
            (isSecure, rest) = (false, lower.dropFirst(7))
        } else {
            return nil
        }
        let authority = rest.hasSuffix("/") ? rest.dropLast() : rest
        guard let (host, port) = Self.split(authority) else { return nil }
        self.host = host
        self.port = port
    }

    /// True if this is the machine itself, by any of its usual names.
    public var isLoopback: Bool {
        host == "localhost" || host == "[::1]"
            || host.hasPrefix("127.") && host.split(separator: ".").count == 4
                && host.allSatisfy { $0.isNumber || $0 == "." }
    }

    func isWithin(domain: String) -> Bool {
        host == domain || host.hasSuffix("." + domain)
    }

    private static func split(_ authority: Substring) -> (String, Int?)? {
        let end: Substring.Index
        if authority.hasPrefix("[") {
            guard let bracket = authority.firstIndex(of: "]") else { return nil }
            end = authority.index(after: bracket)
            let address = authority[..<bracket].dropFirst()
            guard !address.isEmpty, address.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." })
            else { return nil }
        } else {
            end = authority.firstIndex(of: ":") ?? authority.endIndex
            guard isName(authority[..<end]) else { return nil }
        }
        let host = String(authority[..<end])
        if end == authority.endIndex { return (host, nil) }
        let digits = authority[end...].dropFirst()
        guard authority[end] == ":", digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = Int(digits), (1...65_535).contains(port)
        else { return nil }
        return (host, port)
    }

    private static func isName(_ text: Substring) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return labels.allSatisfy { label in
            !label.isEmpty
                && label.utf8.allSatisfy {
                    (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
                        || $0 == 0x5F
                }
        }
    }
}

extension ServerOrigin: CustomStringConvertible {
    public var description: String {
        (isSecure ? "https://" : "http://") + host + (port.map { ":\($0)" } ?? "")
    }
}
