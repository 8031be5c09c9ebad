// Every key of the configuration file. The readers take these lists: a key that is not declared
// here cannot be asked for, and is refused in a file. Tests compare them with
// `deploy/configuration.schema.json` and `deploy/CONFIGURATION.md`.

public enum ConfigurationKey: String, CaseIterable, Sendable {
    /// Unused by the programs. Editors find the JSON Schema by it.
    case schema = "$schema"
    case connections
}

public enum ConnectionKey: String, CaseIterable, Sendable {
    case id, name, pagerDuty, salesforce, mappings, rulesets
}

public enum PagerDutyKey: String, CaseIterable, Sendable {
    case region, apiURL, token, tokenKind, from, webhooks, legacyWebhook
}

public enum WebhookKey: String, CaseIterable, Sendable {
    case subscription, secret
}

public enum LegacyWebhookKey: String, CaseIterable, Sendable {
    case header, token
}

public enum SalesforceKey: String, CaseIterable, Sendable {
    case loginURL, audience, clientID = "clientId", username, privateKey, apiVersion
    case organizationID = "organizationId", webhookSecret, webhookToken, outboundToken
}

public enum MappingKey: String, CaseIterable, Sendable {
    case object, syncNotes, syncComments, commentsPublic
}

/// The place of a secret, which never stands in the file itself.
public enum SecretReferenceKey: String, CaseIterable, Sendable {
    case file, variable
}

public enum RulesetKey: String, CaseIterable, Sendable {
    case name, enabled, rules
}

public enum RuleKey: String, CaseIterable, Sendable {
    case id, name, enabled, object, direction, onMerge, when, actions
}

/// A group of conditions has exactly one of these keys.
public enum GroupKey: String, CaseIterable, Sendable {
    case all, any, none, always
}

public enum ConditionKey: String, CaseIterable, Sendable {
    case field, `operator`, value, caseSensitive
}

public enum ActionKey: String, CaseIterable, Sendable {
    case type
    case service, title, body, urgency, priority, assignTo
    case resolution, workflow, play, users, escalationPolicy, text
    case field, value, runsAssignmentRules, allowsDuplicate
    case object, fields, externalID = "externalId"
    case isPublic = "public", path
}

extension ActionKind {
    /// The keys that an action of this kind may have.
    public var keys: [ActionKey] {
        switch self {
        case .createIncident: [.type, .service, .title, .body, .urgency, .priority, .assignTo]
        case .acknowledgeIncident: [.type]
        case .resolveIncident: [.type, .resolution]
        case .setIncidentPriority: [.type, .priority]
        case .startIncidentWorkflow: [.type, .workflow]
        case .runResponsePlay: [.type, .play]
        case .reassignIncident: [.type, .users, .escalationPolicy]
        case .addNote: [.type, .text]
        case .setField: [.type, .field, .value, .runsAssignmentRules, .allowsDuplicate]
        case .createRecord:
            [.type, .object, .fields, .externalID, .runsAssignmentRules, .allowsDuplicate]
        case .addComment: [.type, .text, .isPublic]
        case .deliver: [.type, .path, .body]
        }
    }
}

/// The members of `assignTo`; `reassignIncident` has them among its own.
public enum AssignmentKey: String, CaseIterable, Sendable {
    case users, escalationPolicy
}

public enum ExternalIDKey: String, CaseIterable, Sendable {
    case field, value
}
