/// Whether the talk about an object's records and their incidents is copied to and fro: the guide's
/// "Sync Salesforce Comments to PagerDuty Notes", and the way back.
public struct CommentSync: Hashable, Sendable {
    /// API name of the object.
    public var object: String
    /// PagerDuty notes become comments on the linked records.
    public var notesToComments: Bool
    /// Comments become notes on the linked incidents. Only case comments are reported to us.
    public var commentsToNotes: Bool
    /// Whether such comments show in the customer portal; incident talk seldom should.
    public var commentsArePublic: Bool

    public init(
        object: String, notesToComments: Bool, commentsToNotes: Bool, commentsArePublic: Bool = false
    ) {
        self.object = object
        self.notesToComments = notesToComments
        self.commentsToNotes = commentsToNotes
        self.commentsArePublic = commentsArePublic
    }
}
