import JSON

/// An object of the organisation: its fields in describe's order, found by name in any case.
struct ObjectType: Sendable {
    let name: String
    let label: String
    let labelPlural: String
    let keyPrefix: String
    let isTriggerable: Bool
    let hasFeed: Bool
    private(set) var fields: [ObjectField]
    private var index: [String: Int] = [:]

    init(
        _ name: String, label: String? = nil, plural: String? = nil, prefix: String,
        isTriggerable: Bool = true, hasFeed: Bool = true, hasOwner: Bool = true,
        _ fields: [ObjectField]
    ) {
        self.name = name
        self.label = label ?? name
        labelPlural = plural ?? "\(label ?? name)s"
        keyPrefix = prefix
        self.isTriggerable = isTriggerable
        self.hasFeed = hasFeed
        let owner = [ObjectField.link("OwnerId", "Group", "User").required.platformDefault]
        self.fields = Self.head + fields + (hasOwner ? owner : []) + Self.tail
        reindex()
    }

    private static let head = [
        ObjectField("Id", .id, length: 18).required.readOnly,
        ObjectField.flag("IsDeleted").readOnly,
    ]

    private static let tail = [
        ObjectField.moment("CreatedDate").required.readOnly,
        ObjectField.link("CreatedById", "User").required.readOnly,
        ObjectField.moment("LastModifiedDate").required.readOnly,
        ObjectField.link("LastModifiedById", "User").required.readOnly,
        ObjectField.moment("SystemModstamp").required.readOnly,
    ]

    var isCustom: Bool { name.hasSuffix("__c") }

    func field(_ name: String) -> ObjectField? { index[name.lowercased()].map { fields[$0] } }

    func relationship(_ name: String) -> ObjectField? {
        fields.first { $0.relationshipName?.lowercased() == name.lowercased() }
    }

    /// Adds a field, or replaces the field with its name.
    mutating func set(_ field: ObjectField) {
        fields.removeAll { $0.name.lowercased() == field.name.lowercased() }
        fields.append(field)
        reindex()
    }

    mutating func removeField(_ name: String) {
        fields.removeAll { $0.name.lowercased() == name.lowercased() }
        reindex()
    }

    private mutating func reindex() {
        index = Dictionary(
            fields.enumerated().map { ($1.name.lowercased(), $0) }, uniquingKeysWith: { $1 })
    }

    /// The object as the global describe shows it.
    func summary(version: String) -> JSON {
        let base = "/services/data/\(version)/sobjects/\(name)"
        return [
            "name": .string(name), "label": .string(label), "labelPlural": .string(labelPlural),
            "keyPrefix": .string(keyPrefix), "custom": .bool(isCustom),
            "createable": true, "updateable": true, "deletable": true, "undeletable": true,
            "queryable": true, "retrieveable": true, "searchable": true, "replicateable": true,
            "triggerable": .bool(isTriggerable), "feedEnabled": .bool(hasFeed),
            "layoutable": true, "mruEnabled": true, "activateable": false, "mergeable": false,
            "customSetting": false, "deprecatedAndHidden": false, "isInterface": false,
            "urls": [
                "sobject": .string(base), "describe": .string("\(base)/describe"),
                "rowTemplate": .string("\(base)/{ID}"),
            ],
        ]
    }

    func describe(version: String) -> JSON {
        summary(version: version).with([
            "fields": .array(fields.map(\.describe)),
            "childRelationships": [], "supportedScopes": [],
            "recordTypeInfos": [
                [
                    "active": true, "available": true, "defaultRecordTypeMapping": true,
                    "developerName": "Master", "master": true, "name": "Master",
                    "recordTypeId": "012000000000000AAA",
                ]
            ],
        ])
    }
}
