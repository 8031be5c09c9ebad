import Crypto
import JSON
import Models

/// The identity of a command in the effect log: a hash of everything that distinguishes it.
public struct CommandFingerprint: Hashable, Sendable {
    /// The version of the encoding that was hashed.
    public let version: Int
    /// `nil` if only a newer program knows it.
    public let kind: CommandKind?
    public let digest: [UInt8]

    public init(_ command: Command) {
        self.init(
            version: Command.encodingVersion, kind: command.kind,
            digest: Array(SHA256.digest(command.canonicalBytes)))
    }

    public init(version: Int, kind: CommandKind?, digest: [UInt8]) {
        self.version = version
        self.kind = kind
        self.digest = digest
    }
}

/// The command of an effect, as far as the effect log tells.
public enum RecordedCommand: Equatable, Sendable {
    case fingerprint(CommandFingerprint)
    /// Recorded before fingerprints existed; such rows are compared by this until their retention
    /// ends.
    case json(JSON)

    public var kind: CommandKind? {
        switch self {
        case .fingerprint(let fingerprint): fingerprint.kind
        case .json(let json): json["command"]?.string.flatMap(CommandKind.init)
        }
    }

    public func comparison(with command: Command) -> CommandComparison {
        switch self {
        case .json(let json):
            return json == command.json ? .same : .different
        case .fingerprint(let recorded):
            guard recorded.version == Command.encodingVersion else { return .unknown }
            return recorded == CommandFingerprint(command) ? .same : .different
        }
    }
}

public enum CommandComparison: Equatable, Sendable {
    case same, different
    /// The fingerprint has a version that this program does not know.
    case unknown
}
