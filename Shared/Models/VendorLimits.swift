/// How long the vendors let texts be. Longer ones are cut before they are planned, so that what is
/// recorded, looked for and compared is what is sent.
public enum VendorLimits {
    /// Of an incident (`reference/pagerduty.md` 6).
    public static let titleUnitsMax = 1024
    /// Of `incident_key`; documented for the Events API only (`reference/pagerduty.md` 5.3).
    public static let incidentKeyUnitsMax = 255
    /// Of UTF-8 (`reference/salesforce.md` 4).
    public static let caseCommentBytesMax = 4000
    /// `reference/salesforce.md` 4.
    public static let feedItemUnitsMax = 10_000
}

extension String {
    /// At most so many UTF-16 units, which is how both vendors count characters.
    public func cut(toUnits count: Int) -> String { cut(to: count) { $0.utf16.count } }

    /// At most so many bytes of UTF-8.
    public func cut(toBytes count: Int) -> String { cut(to: count) { $0.utf8.count } }

    /// Cut between characters; the last one says that something is missing.
    private func cut(to sizeMax: Int, size: (String) -> Int) -> String {
        guard size(self) > sizeMax else { return self }
        let mark = "…"
        var total = size(mark)
        let kept = prefix { character in
            total += size(String(character))
            return total <= sizeMax
        }
        return kept + mark
    }
}
