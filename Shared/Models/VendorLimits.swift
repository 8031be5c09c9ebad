/// The lengths that the vendors accept. Longer texts are cut before they are planned, so that the
/// recorded, searched and compared text is the one that is sent.
public enum VendorLimits {
    /// The length of an incident's title (PagerDuty.md 56).
    public static let titleUnitsMax = 1024
    /// The length of `incident_key`, documented for the Events API only (PagerDuty.md 57).
    public static let incidentKeyUnitsMax = 255
    /// The length of a case comment in UTF-8 (Salesforce.md 38).
    public static let caseCommentBytesMax = 4000
    /// The length of a feed item (Salesforce.md 39).
    public static let feedItemUnitsMax = 10_000
}

extension String {
    /// Cuts to this many UTF-16 units, which is how both vendors count characters.
    public func cut(toUnits count: Int) -> String { cut(to: count) { $0.utf16.count } }

    /// Cuts to this many bytes of UTF-8.
    public func cut(toBytes count: Int) -> String { cut(to: count) { $0.utf8.count } }

    /// Cuts between characters; the last one shows that something is missing.
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
