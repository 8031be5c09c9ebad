import Crypto
import Foundation
import JSON
import XCTest

@testable import Console

/// A configuration with every key, and what the program says about a changed one.
struct ConfigurationExample {
    private static let secret: JSON = ["variable": "TOKEN"]

    static let whole: JSON = [
        "$schema": "configuration.schema.json",
        "connections": [
            [
                "id": "acme", "name": "Acme",
                "pagerDuty": [
                    "region": "eu", "apiURL": "https://api.eu.pagerduty.com", "token": secret,
                    "tokenKind": "oauth", "from": "a@b.com",
                    "webhooks": [["subscription": "PSUB01", "secret": secret]],
                    "legacyWebhook": ["header": "X-Team", "token": secret],
                ],
                "salesforce": [
                    "loginURL": "https://login.salesforce.com", "audience": "https://a.com",
                    "clientId": "c", "username": "u", "privateKey": ["variable": "KEY"],
                    "apiVersion": "62.0", "organizationId": "00DbX0000000001",
                    "webhookSecret": secret, "webhookToken": secret, "outboundToken": secret,
                ],
                "mappings": [
                    [
                        "object": "Case", "syncNotes": true, "syncComments": true,
                        "commentsPublic": false,
                    ]
                ],
                "rulesets": [["name": "One", "enabled": true, "rules": rules]],
            ]
        ],
    ]

    private static let rules: JSON = [
        [
            "id": "record", "name": "A record changes", "enabled": true, "object": "Case",
            "direction": "recordChange", "onMerge": "skip", "when": when, "actions": actions,
        ],
        [
            "id": "incident", "object": "Case", "direction": "incidentChange",
            "when": ["always": true],
            "actions": [["type": "reassignIncident", "users": ["PUSER01"]]],
        ],
    ]

    private static let when: JSON = [
        "all": [
            [
                "field": "record.Subject", "operator": "equals", "value": "x",
                "caseSensitive": true,
            ],
            ["any": [["operator": "hasLinkedIncident"]]],
            ["none": [["always": true]]],
        ]
    ]

    private static let actions: JSON = [
        [
            "type": "createIncident", "service": "P1", "title": "t", "body": "", "urgency": "low",
            "priority": "P2", "assignTo": ["users": ["P3"]],
        ],
        ["type": "acknowledgeIncident"],
        ["type": "resolveIncident", "resolution": ""],
        ["type": "setIncidentPriority", "priority": "P2"],
        ["type": "startIncidentWorkflow", "workflow": "W"],
        ["type": "runResponsePlay", "play": "R"],
        ["type": "reassignIncident", "escalationPolicy": "E"],
        ["type": "addNote", "text": "{{record.Subject | upper}}"],
        [
            "type": "setField", "field": "Status", "value": nil, "runsAssignmentRules": true,
            "allowsDuplicate": true,
        ],
        [
            "type": "createRecord", "object": "Task", "fields": ["Subject": "s", "IsX__c": true],
            "externalId": ["field": "X__c", "value": "{{event.id}}"],
            "runsAssignmentRules": false, "allowsDuplicate": false,
        ],
        ["type": "addComment", "text": "t", "public": true],
        ["type": "deliver", "path": "/services/apexrest/x", "body": ["a": ["{{event.id}}", 1]]],
    ]

    static let key = Result { try RSAPrivateKey.generate().pem }

    /// The program's problems with a configuration.
    static func problems(_ document: JSON, _ folder: TemporaryFolder) throws -> [String] {
        let path = try folder.write(document.text, to: "liaison.json")
        do {
            _ = try ConfigurationFile(path, environment: ["TOKEN": "t", "KEY": key.get()])
            return []
        } catch let error as CommandError {
            return error.lines
        }
    }
}

extension JSON {
    /// The value with another one at this pointer; nil removes a member.
    func replacing(_ pointer: String, by value: JSON?) -> JSON {
        replacing(pointer.split(separator: "/")[...], by: value)
    }

    private func replacing(_ path: ArraySlice<Substring>, by value: JSON?) -> JSON {
        guard let key = path.first else { return value ?? self }
        let isLast = path.count == 1
        if var array, let place = Int(key) {
            array[place] = array[place].replacing(path.dropFirst(), by: value)
            return .array(array)
        }
        var object = object ?? JSONObject()
        let member = object[String(key)] ?? .null
        object[String(key)] = isLast ? value : member.replacing(path.dropFirst(), by: value)
        return .object(object)
    }

    /// The value at this pointer.
    func at(_ pointer: String) -> JSON? {
        pointer.split(separator: "/").reduce(self as JSON?) { value, key in
            Int(key).flatMap { value?[$0] } ?? value?[String(key)]
        }
    }
}
