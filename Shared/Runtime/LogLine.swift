/// One log line as bytes. Pure: the time is an argument.
enum LogLine {
    static func render(
        time: WallTime, level: Log.Level, message: String, logger: String, fields: Log.Fields
    ) -> [UInt8] {
        var line = #"{"time":""# + time.rfc3339 + #"","level":""# + level.rawValue + #"","msg":"#
        append(text: message, to: &line)
        line += #","logger":"#
        append(text: logger, to: &line)
        for (name, value) in fields {
            line += ","
            append(text: name, to: &line)
            line += ":"
            append(value, to: &line)
        }
        return Array((line + "}\n").utf8)
    }

    private static func append(_ value: LogValue, to line: inout String) {
        switch value {
        case .text(let text): append(text: text, to: &line)
        case .integer(let number): line += String(number)
        // JSON has no word for infinity or for not-a-number.
        case .number(let number): line += number.isFinite ? "\(number)" : "null"
        case .boolean(let flag): line += flag ? "true" : "false"
        }
    }

    private static func append(text: String, to line: inout String) {
        line += "\""
        var bytesLeft = Log.valueBytesMax
        for scalar in text.unicodeScalars {
            bytesLeft -= UTF8.width(scalar)
            guard bytesLeft >= 0 else {
                line += "…"
                break
            }
            append(scalar, to: &line)
        }
        line += "\""
    }

    private static func append(_ scalar: Unicode.Scalar, to line: inout String) {
        switch scalar {
        case "\"": line += "\\\""
        case "\\": line += "\\\\"
        case "\n": line += "\\n"
        case "\r": line += "\\r"
        case "\t": line += "\\t"
        case _ where isControl(scalar):
            let digits = String(scalar.value, radix: 16)
            line += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        case _: line.unicodeScalars.append(scalar)
        }
    }

    /// C0, DEL and C1, and what reorders or breaks a line on a screen: line and paragraph
    /// separators, the bidirectional marks, embeddings and isolates, the byte order mark. All of
    /// them stand in the basic plane, so four hexadecimal digits are enough.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00...0x1F, 0x7F...0x9F, 0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069,
            0xFEFF:
            true
        case _: false
        }
    }
}
