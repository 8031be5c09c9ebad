/// A JSON value whose members are read by name: one that is decoded (`JSON`), or one of which
/// nothing is decoded before it is asked for (`JSONPart`).
public protocol JSONReadable {
    var string: String? { get }
    var bool: Bool? { get }
    /// The number as an `Int`, when it is whole and fits.
    var int: Int? { get }
    /// The elements of an array.
    var elements: [Self]? { get }
    /// The member of an object; nil if this is no object or has no such member.
    subscript(_ key: String) -> Self? { get }
    /// Returns nil for an absent member and for `null`, which mean the same to most vendors.
    func present(_ key: String) -> Self?
}

extension JSON: JSONReadable {
    public var elements: [JSON]? { array }
}

extension JSONPart: JSONReadable {
    public var bool: Bool? { value(of: .bool)?.bool }
    public var int: Int? { value(of: .number)?.int }

    private func value(of kind: JSONOutline.NodeKind) -> JSON? { self.kind == kind ? value : nil }
}
