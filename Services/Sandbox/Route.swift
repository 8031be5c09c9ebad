/// `case "PUT /incidents/{}":` in a switch over a call. `{}` stands for one segment of the path,
/// a last `**` for one or more of them.
func ~= (route: StaticString, call: APICall) -> Bool {
    route.withUTF8Buffer { pattern in
        let parts = pattern.split(separator: UInt8(ascii: " "), maxSplits: 1)
        guard parts.count == 2, parts[0].elementsEqual(call.method.utf8) else { return false }
        var segments = call.segments[...]
        for piece in parts[1].split(separator: UInt8(ascii: "/")) {
            guard let segment = segments.popFirst() else { return false }
            if piece.elementsEqual("**".utf8) { return true }
            if !piece.elementsEqual("{}".utf8), !piece.elementsEqual(segment.utf8) { return false }
        }
        return segments.isEmpty
    }
}

func ~= (route: StaticString, call: PagerDutyCall) -> Bool { route ~= call.call }
