import JSON
import Models

/// One object of an organisation, in the list of all.
public struct ObjectSummary: Hashable, Sendable {
    public var name: String
    public var label: String
    /// The first three characters of its records' ids; differs per organisation for custom ones.
    public var keyPrefix: String?
    public var isCustom: Bool
    public var isCreateable: Bool
    public var isUpdateable: Bool
    public var isQueryable: Bool
    public var isTriggerable: Bool
    /// Whether its records take feed items.
    public var isFeedEnabled: Bool

    init?(_ json: JSON) {
        guard let name = json["name"]?.string else { return nil }
        self.name = name
        label = json["label"]?.string ?? name
        keyPrefix = json["keyPrefix"]?.string
        isCustom = json.flag("custom")
        isCreateable = json.flag("createable")
        isUpdateable = json.flag("updateable")
        isQueryable = json.flag("queryable")
        isTriggerable = json.flag("triggerable")
        isFeedEnabled = json.flag("feedEnabled")
    }
}

/// An object and its fields, as the integration user may see them: a field without field-level
/// security for that user is absent.
public struct ObjectDescription: Hashable, Sendable {
    public var summary: ObjectSummary
    public var fields: [FieldDescription]

    init?(_ json: JSON) {
        guard let summary = ObjectSummary(json), let fields = json["fields"]?.array else {
            return nil
        }
        self.summary = summary
        self.fields = fields.compactMap { FieldDescription($0) }
    }
}

/// The part of a field's description that rules need (`reference/salesforce.md` 2.6).
public struct FieldDescription: Hashable, Sendable {
    public struct PicklistValue: Hashable, Sendable {
        /// What the API takes; case-sensitive.
        public var value: String
        public var label: String
        public var isActive: Bool
        public var isDefault: Bool
    }

    public var name: String
    public var label: String
    /// `string`, `picklist`, `reference` ... an open set.
    public var type: String
    /// In characters; 0 where it has no meaning.
    public var length: Int
    /// For numbers: all digits, and those after the point.
    public var precision: Int
    public var scale: Int
    public var isCreateable: Bool
    public var isUpdateable: Bool
    public var isNillable: Bool
    public var isDefaultedOnCreate: Bool
    public var isCalculated: Bool
    public var isExternalID: Bool
    public var isUnique: Bool
    public var isCaseSensitive: Bool
    public var isCustom: Bool
    public var isFilterable: Bool
    public var isHTML: Bool
    /// Whether a value outside `picklistValues` is refused.
    public var isRestrictedPicklist: Bool
    public var picklistValues: [PicklistValue]
    /// Objects that a reference may point to; more than one for `OwnerId`.
    public var referenceTo: [String]
    public var relationshipName: String?
    public var controllerName: String?
    public var compoundFieldName: String?

    /// As far as the description tells: page layouts, validation rules and triggers are not in it.
    public var isRequiredOnCreate: Bool { isCreateable && !isNillable && !isDefaultedOnCreate }

    init?(_ json: JSON) {
        guard let name = json["name"]?.string, let type = json["type"]?.string else { return nil }
        self.name = name
        self.type = type
        label = json["label"]?.string ?? name
        length = json["length"]?.int ?? 0
        precision = json["precision"]?.int ?? 0
        scale = json["scale"]?.int ?? 0
        isCreateable = json.flag("createable")
        isUpdateable = json.flag("updateable")
        isNillable = json.flag("nillable")
        isDefaultedOnCreate = json.flag("defaultedOnCreate")
        isCalculated = json.flag("calculated")
        isExternalID = json.flag("externalId")
        isUnique = json.flag("unique")
        isCaseSensitive = json.flag("caseSensitive")
        isCustom = json.flag("custom")
        isFilterable = json.flag("filterable")
        isHTML = json.flag("htmlFormatted")
        isRestrictedPicklist = json.flag("restrictedPicklist")
        picklistValues = json["picklistValues"]?.array?.compactMap(Self.picklistValue) ?? []
        referenceTo = json["referenceTo"]?.array?.compactMap(\.string) ?? []
        relationshipName = json["relationshipName"]?.string
        controllerName = json["controllerName"]?.string
        compoundFieldName = json["compoundFieldName"]?.string
    }

    private static func picklistValue(_ json: JSON) -> PicklistValue? {
        guard let value = json["value"]?.string else { return nil }
        return PicklistValue(
            value: value, label: json["label"]?.string ?? value, isActive: json.flag("active"),
            isDefault: json.flag("defaultValue"))
    }
}

extension JSON {
    fileprivate func flag(_ key: String) -> Bool { self[key]?.bool ?? false }
}

extension Salesforce {
    public func describe() async throws(Failure) -> Reply<[ObjectSummary]> {
        try await reply(to: .get(path("/sobjects"))) { json in
            json["sobjects"]?.array?.compactMap { ObjectSummary($0) }
        }
    }

    public func describe(_ object: String) async throws(Failure) -> Reply<ObjectDescription> {
        let name = try APIName.checked(object)
        return try await reply(to: .get(path("/sobjects/\(name)/describe"))) {
            ObjectDescription($0)
        }
    }

    /// The versions of the API that the organisation offers, for example `62.0`.
    public func versions() async throws(Failure) -> Reply<[String]> {
        try await reply(to: .get("/services/data")) { json in
            json.array?.compactMap { $0["version"]?.string }
        }
    }
}
