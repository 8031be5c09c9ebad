import Glibc

/// Reads a file that is known to be small: a secret, a configuration file.
public enum SmallFile {
    public enum ReadError: Error, Equatable, Sendable, CustomStringConvertible {
        /// The system's own words, without the path.
        case unreadable(String)
        case tooLong(bytesMax: Int)

        public var description: String {
            switch self {
            case .unreadable(let reason): "cannot be read: \(reason)"
            case .tooLong(let bytesMax): "is longer than \(bytesMax) bytes"
            }
        }
    }

    /// The whole contents. Stops at `bytesMax`, so that a device or a pipe cannot fill the memory.
    public static func read(_ path: String, bytesMax: Int) throws(ReadError) -> [UInt8] {
        guard let file = fopen(path, "rb") else {
            throw .unreadable(String(cString: strerror(errno)))
        }
        defer { fclose(file) }
        var contents: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 8192)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            contents += chunk[..<count]
            if contents.count > bytesMax { throw .tooLong(bytesMax: bytesMax) }
            if ferror(file) != 0 { throw .unreadable(String(cString: strerror(errno))) }
            if count < chunk.count { return contents }
        }
    }
}
