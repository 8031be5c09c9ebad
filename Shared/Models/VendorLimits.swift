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
    /// At most so many UTF-16 units, which is how both vendors count characters, cut between
    /// characters; the last one says that something is missing.
    public func cut(toUnits count: Int) -> String {
        guard utf16.count > count else { return self }
        let mark = "…"
        var size = mark.utf16.count
        let kept = prefix { character in
            size += character.utf16.count
            return size <= count
        }
        return kept + mark
    }
}
