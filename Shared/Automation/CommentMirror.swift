import JSON
import Models

/// The copies of notes and comments on the other side. Each begins with a line that tells its
/// origin, which also tells a copy from an original.
enum Comment {
    static let noteRule: RuleID = "@sync/notes"
    static let commentRule: RuleID = "@sync/comments"

    private static let noteMark = "[PagerDuty note"
    private static let commentMark = "[Salesforce comment"

    static func cut(_ text: String, for object: String) -> String {
        Names.areSame(object, "Case")
            ? text.cut(toBytes: VendorLimits.caseCommentBytesMax)
            : text.cut(toUnits: VendorLimits.feedItemUnitsMax)
    }

    static func copy(of note: EventFacts.NoteFacts, text: String, by author: String?) -> String {
        let id = note.id.map { " \($0)" } ?? ""
        let author = author.map { " by \($0)" } ?? ""
        return "\(noteMark)\(id)\(author)]\n\(text)"
    }

    static func copy(ofComment id: RecordID, text: String) -> String {
        "\(commentMark) \(id)]\n\(text)"
    }

    static func isCopy(_ text: String) -> Bool {
        text.hasPrefix(noteMark) || text.hasPrefix(commentMark)
    }
}

extension Rulebook {
    /// True if the event is a note that a linked record's object wants copied.
    func mirrorsNote(_ facts: Facts) -> Bool {
        guard let note = facts.event.note, !Comment.isCopy(note.text), !facts.isWhollyEcho else {
            return false
        }
        return facts.links.contains {
            $0.incident == facts.event.incident?.id
                && mappings[$0.object.lowercased()]?.syncNotes == true
        }
    }
}

extension Planner {
    mutating func mirror(_ mappings: [String: ObjectMapping]) {
        guard !facts.isWhollyEcho else { return }
        mirrorNote(mappings)
        mirrorComment(mappings)
    }

    private mutating func mirrorNote(_ mappings: [String: ObjectMapping]) {
        guard let note = facts.event.note, let incident = facts.event.incident else { return }
        let text = facts.noteText ?? note.text
        guard !text.isEmpty, !Comment.isCopy(text) else { return }
        let copy = Comment.copy(of: note, text: text, by: facts.event.agent?.name)
        for link in facts.links where link.incident == incident.id {
            guard let mapping = mappings[link.object.lowercased()], mapping.syncNotes else {
                continue
            }
            let record = RecordReference(object: link.object, id: link.record)
            let command = Command.addComment(
                record, text: Comment.cut(copy, for: link.object),
                isPublic: mapping.commentsPublic)
            add(command, rule: Comment.noteRule, ordinal: 0, target: link.record.key)
        }
    }

    private mutating func mirrorComment(_ mappings: [String: ObjectMapping]) {
        guard let record = facts.event.record, record.isInsert, let parent = record.commentParent,
            let text = record.new["CommentBody"].string, !text.isEmpty, !Comment.isCopy(text)
        else { return }
        let copy = Comment.copy(ofComment: record.reference.id, text: text)
        for link in facts.links where link.record == parent {
            guard mappings[link.object.lowercased()]?.syncComments == true else { continue }
            add(
                .addNote(link.incident, text: copy), rule: Comment.commentRule, ordinal: 0,
                target: link.incident.rawValue)
        }
    }
}
