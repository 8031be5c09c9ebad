import CPostgres

/// The address of a database: a libpq connection string, as `key=value` pairs or as a
/// `postgresql://` URL.
public struct Address: Sendable, CustomStringConvertible {
    /// The text that libpq reads. It may hold a password, so it must not be logged.
    public let connectionString: String

    /// Host, port and database, for logs. It never holds a password.
    public let description: String

    /// Returns nil if libpq cannot read the text. libpq's own message is withheld, because it
    /// quotes its input, which may hold a password.
    public init?(_ conninfo: String) {
        guard let options = PQconninfoParse(conninfo, nil) else { return nil }
        defer { PQconninfoFree(options) }
        var parts: [String: String] = [:]
        var next = options
        while let keyword = next.pointee.keyword {
            if let value = next.pointee.val {
                parts[String(cString: keyword)] = String(cString: value)
            }
            next += 1
        }
        let host = parts["host"] ?? parts["hostaddr"] ?? "local"
        connectionString = conninfo
        description = "\(host):\(parts["port"] ?? "5432")/\(parts["dbname"] ?? "")"
    }

    private init() {
        connectionString = ""
        description = "local:5432/"
    }

    /// The address that libpq takes when it is told nothing.
    public static let `default` = Address()

    /// The same server with another database.
    public func database(_ name: String) -> Address? {
        guard let options = PQconninfoParse(connectionString, nil) else { return nil }
        defer { PQconninfoFree(options) }
        var pairs: [String] = ["dbname=\(Address.quoted(name))"]
        var next = options
        while let keyword = next.pointee.keyword {
            let key = String(cString: keyword)
            if let value = next.pointee.val, key != "dbname" {
                pairs.append("\(key)=\(Address.quoted(String(cString: value)))")
            }
            next += 1
        }
        return Address(pairs.joined(separator: " "))
    }

    private static func quoted(_ value: String) -> String {
        var quoted = "'"
        for character in value {
            if character == "'" || character == "\\" { quoted += "\\" }
            quoted.append(character)
        }
        return quoted + "'"
    }
}
