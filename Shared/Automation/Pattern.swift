import CPCRE2

/// A regular expression of a user: PCRE2 with limits, so that no expression and no text can hold a
/// worker up. It matches anywhere in a text unless it is anchored.
final class Pattern: Sendable {
    enum SearchResult: Equatable, Sendable {
        case found
        case absent
        /// The search was given up at this limit.
        case limit(String)
    }

    /// Backtracking steps; a harmless expression needs a few for each character.
    static let stepsMax: UInt32 = 500_000
    /// Nesting of backtracking points.
    static let depthMax: UInt32 = 50_000
    static let heapKibibytesMax: UInt32 = 8192

    // SAFETY: written once here and never changed by matching; PCRE2 allows one compiled pattern to
    // be used by many threads at once (pcre2api, "Multithreading"). Freed when the last user is
    // gone.
    private nonisolated(unsafe) let code: OpaquePointer

    init(_ pattern: String, caseSensitive: Bool) throws(PatternError) {
        let options =
            UInt32(PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C)
            | (caseSensitive ? 0 : UInt32(PCRE2_CASELESS))
        var status: Int32 = 0
        var offset = 0
        let bytes = Array(pattern.utf8)
        let compiled = pcre2_compile_8(bytes, bytes.count, options, &status, &offset, nil)
        guard let compiled else { throw PatternError(status: status, offset: offset) }
        code = compiled
    }

    deinit { pcre2_code_free_8(code) }

    /// The reason for which a text is no regular expression; nil if it is one.
    static func problem(in pattern: String) -> String? {
        do {
            _ = try Pattern(pattern, caseSensitive: true)
            return nil
        } catch {
            return error.description
        }
    }

    func search(_ text: String) -> SearchResult {
        guard let context = pcre2_match_context_create_8(nil) else { return .limit("memory") }
        defer { pcre2_match_context_free_8(context) }
        pcre2_set_match_limit_8(context, Self.stepsMax)
        pcre2_set_depth_limit_8(context, Self.depthMax)
        pcre2_set_heap_limit_8(context, Self.heapKibibytesMax)
        guard let found = pcre2_match_data_create_8(1, nil) else { return .limit("memory") }
        defer { pcre2_match_data_free_8(found) }
        // A Swift string's UTF-8 is valid, so the check can be spared.
        let status = Array(text.utf8).withUnsafeBufferPointer { bytes in
            pcre2_match_8(
                code, bytes.baseAddress, bytes.count, 0, UInt32(PCRE2_NO_UTF_CHECK), found, context)
        }
        return Self.answer(status)
    }

    private static func answer(_ status: Int32) -> SearchResult {
        switch status {
        case 0...: .found
        case PCRE2_ERROR_NOMATCH: .absent
        case PCRE2_ERROR_MATCHLIMIT: .limit("step")
        case PCRE2_ERROR_DEPTHLIMIT: .limit("depth")
        case PCRE2_ERROR_HEAPLIMIT: .limit("heap")
        default: .limit("error \(status)")
        }
    }
}

struct PatternError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(status: Int32, offset: Int) {
        var buffer = [UInt8](repeating: 0, count: 256)
        let length = pcre2_get_error_message_8(status, &buffer, buffer.count)
        let message =
            length > 0
            ? String(decoding: buffer.prefix(Int(length)), as: UTF8.self) : "error \(status)"
        description = "\(message) (byte \(offset))"
    }
}
