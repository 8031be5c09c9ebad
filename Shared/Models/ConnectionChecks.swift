import JSON

extension Connection {
    /// Notes every value that a person wrote and that would make each event fail for good. Types
    /// and secrets are checked by `init(reading:secrets:)`, which also reads connections that an
    /// older version stored: one such connection must not keep the others from being read.
    static func check(_ reader: JSONReader) {
        let keys = reader.keyed(by: ConnectionKey.self)
        keys.check(.name, isFilled, "must not be empty")
        if let account = keys.member(.pagerDuty)?.keyed(by: PagerDutyKey.self) {
            account.checkOrigin(.apiURL)
            account.check(.from, isAddress, "must be the e-mail address of a PagerDuty user")
            for webhook in account.list(.webhooks) {
                webhook.keyed(by: WebhookKey.self).check(
                    .subscription, isFilled, "must not be empty")
            }
            account.member(.legacyWebhook)?.keyed(by: LegacyWebhookKey.self)
                .check(.header, isHeaderName, "must be the name of a header")
        }
        if let organization = keys.member(.salesforce)?.keyed(by: SalesforceKey.self) {
            organization.checkOrigin(.loginURL)
            for key in [SalesforceKey.audience, .clientID, .username] {
                organization.check(key, isFilled, "must not be empty")
            }
            organization.check(
                .apiVersion, isVersion, "must be a version like 62.0, at least 46.0")
        }
        checkMappings(keys.list(.mappings))
    }

    private static func checkMappings(_ mappings: [JSONReader]) {
        var seen: Set<String> = []
        for mapping in mappings.map({ $0.keyed(by: MappingKey.self) }) {
            mapping.check(
                .object, Names.isAPIName,
                "must be the API name of an object, such as Case or Outage__c")
            guard let object = mapping.text(.object) else { continue }
            if !seen.insert(object.lowercased()).inserted {
                mapping.problem("\"\(object)\" is mapped twice", at: .object)
            }
        }
    }

    private static func isFilled(_ text: String) -> Bool { !text.allSatisfy(\.isWhitespace) }

    /// `name@domain`, which goes into a header as it is.
    private static func isAddress(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else { return false }
        return parts[0].utf8.allSatisfy { isTokenByte($0) || "/=?{}".utf8.contains($0) }
            && Server.isName(parts[1].lowercased()[...])
    }

    private static func isHeaderName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy(isTokenByte)
    }

    /// RFC 9110 section 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        Names.isLetter(byte) || Names.isDigit(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }

    private static func isVersion(_ text: String) -> Bool {
        guard text.hasSuffix(".0"), let major = Int(text.dropLast(2)) else { return false }
        return text == "\(major).0" && (46...999).contains(major)
    }
}

/// The grammar of a server's address, which is that of `ServerOrigin` in the Connectors.
private enum Server {
    /// The host of `host[:port][/]`, in lower case.
    static func host(of text: Substring) -> Substring? {
        let text = text.hasSuffix("/") ? text.dropLast() : text
        let end =
            text.hasPrefix("[")
            ? text.firstIndex(of: "]").map(text.index(after:)) : text.firstIndex(of: ":")
        let host = text[..<(end ?? text.endIndex)]
        guard isAddress(host) || isName(host) else { return nil }
        let port = text[host.endIndex...]
        return port.isEmpty || isPort(port) ? host : nil
    }

    static func isName(_ text: Substring) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            !label.isEmpty
                && label.utf8.allSatisfy {
                    Names.isLetter($0) || Names.isDigit($0) || $0 == 0x2D || $0 == 0x5F
                }
        }
    }

    /// `[::1]`
    private static func isAddress(_ text: Substring) -> Bool {
        let inner = text.dropFirst().dropLast()
        return text.hasPrefix("[") && text.hasSuffix("]") && !inner.isEmpty
            && inner.utf8.allSatisfy {
                Names.isDigit($0) || (0x61...0x66).contains($0) || $0 == 0x3A || $0 == 0x2E
            }
    }

    private static func isPort(_ text: Substring) -> Bool {
        let digits = text.dropFirst()
        guard text.hasPrefix(":"), digits.utf8.allSatisfy(Names.isDigit), let port = Int(digits)
        else { return false }
        return (1...65_535).contains(port)
    }
}

extension KeyedReader {
    /// The text of a member; nil if the member is absent or of another type.
    fileprivate func text(_ key: Key) -> String? { reader.value[key.rawValue]?.string }

    /// Checks a member that is a text; other problems are found by the reading itself.
    fileprivate func check(_ key: Key, _ isGood: (String) -> Bool, _ message: String) {
        guard let text = text(key), !isGood(text) else { return }
        problem(message, at: key)
    }

    fileprivate func list(_ key: Key) -> [JSONReader] {
        reader.value[key.rawValue]?.array == nil ? [] : elements(key)
    }

    /// Plain http is for loopback only: tokens travel in these requests.
    fileprivate func checkOrigin(_ key: Key) {
        guard let text = text(key)?.lowercased() else { return }
        let isSecure = text.hasPrefix("https://")
        guard isSecure || text.hasPrefix("http://") else {
            return problem("must begin with https://", at: key)
        }
        guard let host = Server.host(of: text.dropFirst(isSecure ? 8 : 7)) else {
            return problem(
                "must be the address of a server alone, such as https://api.example.com", at: key)
        }
        if !isSecure, !["127.0.0.1", "[::1]", "localhost"].contains(host) {
            problem("must begin with https://", at: key)
        }
    }
}
