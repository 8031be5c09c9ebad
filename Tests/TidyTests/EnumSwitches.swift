/// Finds the cases of all enums, and the switches over them.
struct EnumSwitches {
    struct Switch {
        /// The number of its first line.
        let number: Int
        /// The cases that it names: `.applied`.
        var named: Set<String> = []
        /// The numbers of the lines that take every other case.
        var catchAlls: [Int] = []
        fileprivate let depth: Int
    }

    private let cases: Set<String>

    /// The cases of optionals and results, which are not ours.
    private static let shared: Set = ["some", "none", "success", "failure"]

    init(_ files: [SourceTree.File]) {
        cases = Set(files.flatMap(\.code).flatMap { Self.declared($0.text) })
            .subtracting(Self.shared)
    }

    /// The switches that name cases of ours only.
    func ours(in file: SourceTree.File) -> [Switch] {
        all(in: file).filter { !$0.named.isEmpty && $0.named.isSubset(of: cases) }
    }

    /// The names in `case one, two(Int)`, which has no colon but in parentheses.
    private static func declared(_ line: String) -> [String] {
        guard line.contains("case "),
            let rest = line.firstMatch(of: #/^\s*(?:indirect )?case (.*)$/#)?.1
        else { return [] }
        var names = String(rest)
        while names.contains(#/\([^()]*\)/#) { names.replace(#/\([^()]*\)/#, with: "") }
        if names.contains(":") { return [] }
        return names.split(separator: ",").compactMap {
            $0.firstMatch(of: #/^\s*`?([a-z]\w*)/#).map { String($0.1) }
        }
    }

    private func all(in file: SourceTree.File) -> [Switch] {
        var ended: [Switch] = []
        var open: [Switch] = []
        var depth = 0
        for (number, text) in file.code {
            let isCase = text.contains("case ") || text.contains("default")
            if isCase, let last = open.indices.last, open[last].depth == depth {
                if text.contains(#/^\s*(?:default|case (?:_|\((?:_(?:, )?)+\)))\s*:/#) {
                    open[last].catchAlls.append(number)
                } else if let pattern = text.firstMatch(of: #/^\s*case ([^:]*)/#)?.1 {
                    let names = pattern.matches(of: #/(?:^|[\s(,])\.([a-z]\w*)/#)
                    open[last].named.formUnion(
                        names.map { String($0.1) }.filter { !Self.shared.contains($0) })
                }
            }
            for byte in text.utf8 {
                depth += byte == UInt8(ascii: "{") ? 1 : byte == UInt8(ascii: "}") ? -1 : 0
            }
            if text.contains("switch"), text.contains(#/\bswitch\b.*\{\s*$/#) {
                open.append(Switch(number: number, depth: depth))
            }
            while let last = open.last, depth < last.depth { ended.append(open.removeLast()) }
        }
        return ended
    }
}
