import Models

/// Salesforce's names of objects and fields, which are data of ours (rules name them) and stand in
/// paths and queries.
enum APIName {
    /// `Case`, `Outage__c`, `ns__Outage__c`: a letter, then letters, digits and underscores.
    static func checked(_ name: String) throws(Failure) -> String {
        guard isName(name[...]) else {
            throw .refused("name", "\"\(name)\" is not the name of an object or a field")
        }
        return name
    }

    /// A field, possibly of a related record: `Owner.Name`.
    static func checked(path: String) throws(Failure) -> String {
        let names = path.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...6).contains(names.count), names.allSatisfy(isName) else {
            throw .refused("name", "\"\(path)\" is not the name of a field")
        }
        return path
    }

    static func isName(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, (1...80).contains(text.utf8.count) else { return false }
        return isLetter(first)
            && text.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
