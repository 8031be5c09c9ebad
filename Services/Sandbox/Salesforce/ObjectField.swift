import JSON

/// One field of an object with its describe and the constraints on writes (Salesforce.md 35).
struct ObjectField: Sendable {

    let name: String
    let kind: FieldType
    /// Characters; `byteLength` counts instead where it is set.
    var length = 0
    var byteLength: Int?
    var label: String
    var isNillable = true
    var isCreateable = true
    var isUpdateable = true
    var defaultValue: JSON?
    var isDefaultedByPlatform = false
    var isUnique = false
    var isExternalID = false
    var isCaseSensitive = false
    var isRestricted = false
    var isAutoNumber = false
    var values: [String] = []
    var referenceTo: [String] = []
    var relationshipName: String?
    var precision = 0
    var scale = 0

    init(_ name: String, _ kind: FieldType, length: Int = 0) {
        self.name = name
        self.kind = kind
        self.length = length
        label = Self.label(from: name)
    }

    var isCustom: Bool { name.hasSuffix("__c") }
    var isRequiredOnCreate: Bool {
        isCreateable && !isNillable && defaultValue == nil && !isDefaultedByPlatform
    }

    /// Makes `PagerDuty Incident Id` of `PagerDuty_Incident_Id__c`, `Account ID` of `AccountId`.
    private static func label(from name: String) -> String {
        if name.hasSuffix("__c") {
            return name.dropLast(3).split(separator: "_").joined(separator: " ")
        }
        var words = ""
        for character in name {
            if character.isUppercase, words.last?.isLowercase == true { words.append(" ") }
            words.append(character)
        }
        return words.hasSuffix(" Id") ? "\(words.dropLast(2))ID" : words
    }
}

enum FieldType: String, Sendable {
    case id, string, boolean, int, double, currency, percent, date, datetime, picklist
    case multipicklist, reference, textarea, phone, email, url
}

/// The builder methods in which the objects are declared.
extension ObjectField {
    static func text(_ name: String, _ length: Int) -> ObjectField {
        ObjectField(name, .string, length: length)
    }
    static func area(_ name: String, _ length: Int) -> ObjectField {
        ObjectField(name, .textarea, length: length)
    }
    static func flag(_ name: String, _ value: Bool = false) -> ObjectField {
        var field = ObjectField(name, .boolean)
        field.isNillable = false
        field.defaultValue = .bool(value)
        return field
    }
    static func moment(_ name: String) -> ObjectField { ObjectField(name, .datetime) }
    static func day(_ name: String) -> ObjectField { ObjectField(name, .date) }
    static func number(
        _ name: String, _ kind: FieldType = .double, precision: Int = 18, scale: Int = 0
    ) -> ObjectField {
        var field = ObjectField(name, kind)
        field.precision = precision
        field.scale = scale
        return field
    }
    static func choice(_ name: String, _ values: [String], default value: String? = nil)
        -> ObjectField
    {
        var field = ObjectField(name, .picklist, length: 40)
        field.values = values
        field.defaultValue = value.map(JSON.string)
        return field
    }
    static func link(_ name: String, _ types: String...) -> ObjectField {
        var field = ObjectField(name, .reference, length: 18)
        field.referenceTo = types
        field.relationshipName =
            name.hasSuffix("__c") ? "\(name.dropLast(1))r" : String(name.dropLast(2))
        return field
    }

    var required: ObjectField { changed { $0.isNillable = false } }
    var createOnly: ObjectField { changed { $0.isUpdateable = false } }
    var restricted: ObjectField { changed { $0.isRestricted = true } }
    /// The platform sets it.
    var readOnly: ObjectField {
        changed {
            $0.isCreateable = false
            $0.isUpdateable = false
            $0.isDefaultedByPlatform = !$0.isNillable
        }
    }
    var platformDefault: ObjectField { changed { $0.isDefaultedByPlatform = true } }
    var autoNumber: ObjectField {
        changed {
            $0.isAutoNumber = true
            $0.isNillable = false
        }.readOnly
    }
    var uniqueExternalID: ObjectField {
        changed {
            $0.isUnique = true
            $0.isExternalID = true
            $0.isCaseSensitive = true
        }
    }
    var externalID: ObjectField { changed { $0.isExternalID = true } }
    func bytes(_ length: Int) -> ObjectField { changed { $0.byteLength = length } }

    private func changed(_ change: (inout ObjectField) -> Void) -> ObjectField {
        var field = self
        change(&field)
        return field
    }
}

extension ObjectField {
    /// The field as `GET /sobjects/X/describe` shows it.
    var describe: JSON {
        let isName = ["Name", "CaseNumber", "IncidentNumber", "Subject"].contains(name)
        return [
            "name": .string(name), "label": .string(label), "type": .string(kind.rawValue),
            "soapType": .string(soapType), "length": JSON(length),
            "byteLength": JSON(byteLength ?? length * 3), "precision": JSON(precision),
            "scale": JSON(scale), "digits": JSON(kind == .int ? 8 : 0),
            "createable": .bool(isCreateable), "updateable": .bool(isUpdateable),
            "nillable": .bool(isNillable),
            "defaultedOnCreate": .bool(defaultValue != nil || isDefaultedByPlatform),
            "defaultValue": kind == .boolean ? defaultValue ?? false : .null,
            "calculated": false, "autoNumber": .bool(isAutoNumber), "encrypted": false,
            "externalId": .bool(isExternalID),
            "idLookup": .bool(isExternalID || kind == .id), "unique": .bool(isUnique),
            "caseSensitive": .bool(isCaseSensitive), "custom": .bool(isCustom),
            "compoundFieldName": .null, "controllerName": .null, "dependentPicklist": false,
            "restrictedPicklist": .bool(isRestricted),
            "picklistValues": .array(values.map(picklistValue)),
            "referenceTo": .array(referenceTo.map(JSON.string)),
            "relationshipName": JSON(relationshipName),
            "polymorphicForeignKey": .bool(referenceTo.count > 1),
            "deprecatedAndHidden": false, "htmlFormatted": false,
            "filterable": .bool(kind != .textarea), "sortable": .bool(kind != .textarea),
            "groupable": .bool(kind != .textarea), "aggregatable": true,
            "nameField": .bool(isName && kind == .string), "permissionable": .bool(isUpdateable),
            "extraTypeInfo": .null, "inlineHelpText": .null, "mask": .null,
        ]
    }

    private func picklistValue(_ value: String) -> JSON {
        [
            "active": true, "defaultValue": .bool(defaultValue?.string == value),
            "label": .string(value), "validFor": .null, "value": .string(value),
        ]
    }

    private var soapType: String {
        switch kind {
        case .id, .reference: "tns:ID"
        case .boolean: "xsd:boolean"
        case .int: "xsd:int"
        case .double, .currency, .percent: "xsd:double"
        case .date: "xsd:date"
        case .datetime: "xsd:dateTime"
        case .string, .picklist, .multipicklist, .textarea, .phone, .email, .url: "xsd:string"
        }
    }
}
