import CPostgres
import Glibc

extension Session {
    /// The bytes of rows that are in memory at once; one more row may come on top.
    private static let bytesMax = 256 << 10

    /// Copies rows from this session into another one, in the text form of PostgreSQL's COPY. Both
    /// sessions are in a transaction. Only a small part of the rows is in memory at a time. After
    /// an error neither session can be used any more.
    ///
    /// - Parameters:
    ///   - rows: a query without parameters.
    ///   - columns: a table with its columns in parentheses, in the order of the query's.
    ///   - between: runs after each part, outside of both sessions.
    /// - Returns: the number of rows.
    public nonisolated func copy(
        _ rows: SQL, into columns: SQL, of target: Session,
        between: () async throws(PostgresError) -> Void
    ) async throws(PostgresError) -> Int {
        try await startCopying("COPY (\(rows)) TO STDOUT")
        try await target.startCopying("COPY \(columns) FROM STDIN")
        while let bytes = try await copiedBytes() {
            try await target.put(bytes)
            try await between()
        }
        return try await target.endCopying()
    }

    private func startCopying(_ statement: SQL) throws(PostgresError) {
        try copying { wire, deadline throws(PostgresError) in
            try wire.startCopying(statement.text, deadline: deadline)
        }
    }

    /// - Returns: nil after the last part.
    private func copiedBytes() throws(PostgresError) -> [UInt8]? {
        try copying { wire, deadline throws(PostgresError) in
            try wire.copiedBytes(max: Self.bytesMax, deadline: deadline)
        }
    }

    private func put(_ bytes: [UInt8]) throws(PostgresError) {
        try copying { wire, deadline throws(PostgresError) in
            try wire.put(bytes, deadline: deadline)
        }
    }

    private func endCopying() throws(PostgresError) -> Int {
        try copying { wire, deadline throws(PostgresError) in
            try wire.endCopyIn(deadline: deadline)
        }
    }
}

/// Pipeline mode has no COPY, so it is left while one runs.
extension Wire {
    fileprivate func startCopying(_ text: String, deadline: Deadline) throws(PostgresError) {
        guard PQexitPipelineMode(handle) == 1, PQsendQuery(handle, text) == 1 else {
            throw .unavailable(lastError)
        }
        try flush(deadline: deadline)
        guard let result = try receive(deadline: deadline) else { throw .row("no answer") }
        if let failure = result.failure { throw failure }
    }

    fileprivate func copiedBytes(max: Int, deadline: Deadline) throws(PostgresError) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < max {
            var row: UnsafeMutablePointer<CChar>?
            let length = PQgetCopyData(handle, &row, 1)
            switch length {
            case 1...:
                bytes += UnsafeRawBufferPointer(start: row, count: Int(length))
                PQfreemem(row)
            case 0:
                guard try wait(for: POLLIN, deadline: deadline) else { throw .timedOut }
                guard PQconsumeInput(handle) == 1 else { throw .unavailable(lastError) }
            case _:
                if bytes.isEmpty { _ = try endCopying(deadline: deadline) }
                return bytes.isEmpty ? nil : bytes
            }
        }
        return bytes
    }

    fileprivate func put(_ bytes: [UInt8], deadline: Deadline) throws(PostgresError) {
        let isTaken = bytes.withUnsafeBytes { buffer in
            let start = buffer.bindMemory(to: CChar.self).baseAddress
            return PQputCopyData(handle, start, Int32(buffer.count)) == 1
        }
        guard isTaken else { throw .unavailable(lastError) }
        try flush(deadline: deadline)
    }

    fileprivate func endCopyIn(deadline: Deadline) throws(PostgresError) -> Int {
        guard PQputCopyEnd(handle, nil) == 1 else { throw .unavailable(lastError) }
        try flush(deadline: deadline)
        return try endCopying(deadline: deadline)
    }

    /// Reads the statement's own result.
    private func endCopying(deadline: Deadline) throws(PostgresError) -> Int {
        var rows = 0
        while let result = try receive(deadline: deadline) {
            if let failure = result.failure { throw failure }
            rows += Rows(result).affected
        }
        guard PQenterPipelineMode(handle) == 1 else { throw .unavailable(lastError) }
        return rows
    }
}
