/// The objects of the organisation: those the product meets most, and one custom object.
extension ObjectType {
    static let all: [ObjectType] = [
        account, contact, opportunity, lead, supportCase, caseComment, feedItem, task, incident,
        user, group, outage,
    ]

    /// The fields that an administrator adds to every object that is linked to incidents.
    private static let pagerDuty: [ObjectField] = [
        .text("PagerDuty_Incident_Id__c", 64).uniqueExternalID,
        .number("PagerDuty_Incident_Number__c"),
        .choice("PagerDuty_Status__c", ["triggered", "acknowledged", "resolved"]).restricted,
        ObjectField("PagerDuty_URL__c", .url, length: 255),
        .text("PagerDuty_Priority__c", 80),
        .area("PagerDuty_Notes__c", 32_768),
    ]

    static let supportCase = ObjectType(
        "Case", prefix: "500",
        [
            .text("CaseNumber", 30).autoNumber,
            .link("ContactId", "Contact"), .link("AccountId", "Account"),
            .link("ParentId", "Case"),
            .text("SuppliedName", 80), ObjectField("SuppliedEmail", .email, length: 80),
            .choice("Type", ["Mechanical", "Electrical", "Electronic", "Structural", "Other"]),
            .choice("Status", ["New", "Working", "Escalated", "Closed"], default: "New"),
            .choice("Reason", ["Installation", "Performance", "Breakdown", "Feedback", "Other"]),
            .choice("Origin", ["Phone", "Email", "Web"]),
            .text("Subject", 255),
            .choice("Priority", ["High", "Medium", "Low"], default: "Medium"),
            .area("Description", 32_000),
            .flag("IsClosed").readOnly, .moment("ClosedDate").readOnly, .flag("IsEscalated"),
            // Write-only: becomes a CaseComment in the same transaction.
            .area("Comments", 4_000).bytes(4_000),
        ] + pagerDuty)

    static let account = ObjectType(
        "Account", prefix: "001",
        [
            .text("Name", 255).required,
            .choice("Type", ["Prospect", "Customer - Direct", "Customer - Channel", "Other"]),
            .link("ParentId", "Account"),
            ObjectField("Phone", .phone, length: 40), ObjectField("Website", .url, length: 255),
            .choice("Industry", ["Apparel", "Banking", "Electronics", "Retail", "Other"]),
            .number("AnnualRevenue", .currency), .number("NumberOfEmployees", .int, precision: 8),
            .text("AccountNumber", 40).externalID, .area("Description", 32_000),
        ] + pagerDuty)

    static let contact = ObjectType(
        "Contact", prefix: "003",
        [
            .link("AccountId", "Account"),
            .text("FirstName", 40), .text("LastName", 80).required, .text("Name", 121).readOnly,
            ObjectField("Email", .email, length: 80), ObjectField("Phone", .phone, length: 40),
            .text("Title", 128), .area("Description", 32_000),
        ])

    static let opportunity = ObjectType(
        "Opportunity", plural: "Opportunities", prefix: "006",
        [
            .link("AccountId", "Account"),
            .text("Name", 120).required, .area("Description", 32_000),
            .choice("StageName", ["Prospecting", "Qualification", "Closed Won", "Closed Lost"])
                .required,
            .number("Amount", .currency, scale: 2), .day("CloseDate").required,
            .choice("Type", ["Existing Business", "New Business"]),
        ] + pagerDuty)

    static let lead = ObjectType(
        "Lead", prefix: "00Q",
        [
            .text("FirstName", 40), .text("LastName", 80).required, .text("Name", 121).readOnly,
            .text("Company", 255).required, ObjectField("Email", .email, length: 80),
            ObjectField("Phone", .phone, length: 40),
            .choice(
                "Status", ["Open - Not Contacted", "Working - Contacted", "Closed - Converted"],
                default: "Open - Not Contacted"),
            .choice("LeadSource", ["Web", "Phone", "Other"]), .area("Description", 32_000),
        ])

    static let caseComment = ObjectType(
        "CaseComment", label: "Case Comment", prefix: "00a", hasFeed: false, hasOwner: false,
        [
            .link("ParentId", "Case").required.createOnly, .flag("IsPublished"),
            .area("CommentBody", 4_000).bytes(4_000),
        ])

    static let feedItem = ObjectType(
        "FeedItem", label: "Feed Item", prefix: "0D5", hasFeed: false, hasOwner: false,
        [
            .link("ParentId", "Account", "Case", "Contact", "Lead", "Opportunity", "Outage__c")
                .required.createOnly,
            .area("Body", 10_000).required, .flag("IsRichText"),
            .choice("Type", ["TextPost", "LinkPost"], default: "TextPost").createOnly,
            .choice("Visibility", ["AllUsers", "InternalUsers"], default: "InternalUsers"),
        ])

    static let task = ObjectType(
        "Task", prefix: "00T",
        [
            .link("WhoId", "Contact", "Lead"),
            .link("WhatId", "Account", "Case", "Opportunity", "Outage__c"),
            .text("Subject", 255), .day("ActivityDate"),
            .choice("Status", ["Not Started", "In Progress", "Completed"], default: "Not Started"),
            .choice("Priority", ["High", "Normal", "Low"], default: "Normal"),
            .area("Description", 32_000),
        ])

    static let incident = ObjectType(
        "Incident", prefix: "0in",
        [
            .text("IncidentNumber", 30).autoNumber, .text("Subject", 255),
            .area("Description", 32_000),
            .choice("Status", ["New", "In Progress", "Resolved", "Closed"], default: "New"),
            .choice("Priority", ["Critical", "High", "Moderate", "Low"], default: "Moderate"),
            .choice("Urgency", ["High", "Medium", "Low"]),
            .choice("Impact", ["High", "Medium", "Low"]),
            .choice("Category", ["Hardware", "Software", "Network", "Other"]),
        ] + pagerDuty)

    static let user = ObjectType(
        "User", prefix: "005", hasFeed: false, hasOwner: false,
        [
            .text("Username", 80).required, .text("FirstName", 40),
            .text("LastName", 80).required, .text("Name", 121).readOnly,
            ObjectField("Email", .email, length: 128).required, .flag("IsActive", true),
        ])

    /// Queues.
    static let group = ObjectType(
        "Group", prefix: "00G", isTriggerable: false, hasFeed: false, hasOwner: false,
        [.text("Name", 40).required, .choice("Type", ["Queue", "Regular"])])

    static let outage = ObjectType(
        "Outage__c", label: "Outage", prefix: "a0B",
        [
            .text("Name", 80).required,
            .choice("Severity__c", ["SEV1", "SEV2", "SEV3"]).restricted,
            .choice("Phase__c", ["Open", "Mitigated", "Closed"], default: "Open").restricted,
            .area("Impact__c", 32_768), .moment("Started_At__c"), .day("Review_Date__c"),
            .number("Customers_Affected__c", precision: 8), .flag("Public__c"),
            .link("Case__c", "Case"), .link("Account__c", "Account"),
        ] + pagerDuty)
}
