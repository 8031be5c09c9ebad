/// The objects that incidents refer to. Names are invented. Ids are fixed, so that a rule can be
/// written before the sandbox runs.
struct Directory: Sendable {
    struct User: Sendable {
        let id: String
        let name: String
        let email: String
    }

    struct Team: Sendable {
        let id: String
        let name: String
    }

    struct Policy: Sendable {
        let id: String
        let name: String
        /// The users of each level, the first level is paged first.
        let levels: [[String]]
    }

    struct Priority: Sendable {
        let id: String
        let name: String
        let description: String
    }

    struct Workflow: Sendable {
        let id: String
        let name: String
        let isEnabled: Bool
    }

    struct Play: Sendable {
        let id: String
        let name: String
    }

    var users: [User] = [
        User(id: "PINTEG7", name: "Liaison", email: "liaison@example.com"),
        User(id: "PADA001", name: "Ada Quill", email: "ada@example.com"),
        User(id: "PBEN002", name: "Ben Marrow", email: "ben@example.com"),
        User(id: "PCLEO03", name: "Cleo Tarn", email: "cleo@example.com"),
    ]
    var teams: [Team] = [
        Team(id: "PTEAM01", name: "Storefront"), Team(id: "PTEAM02", name: "Platform"),
    ]
    var policies: [Policy] = [
        Policy(id: "PEPSTOR", name: "Storefront on call", levels: [["PADA001"], ["PBEN002"]]),
        Policy(id: "PEPPLAT", name: "Platform on call", levels: [["PCLEO03"], ["PBEN002"]]),
    ]
    var services: [DirectoryService] = [
        DirectoryService(
            id: "PSVCHK1", name: "Checkout", policyID: "PEPSTOR", teamIDs: ["PTEAM01"]),
        DirectoryService(id: "PSVSRCH", name: "Search", policyID: "PEPSTOR", teamIDs: ["PTEAM01"]),
        DirectoryService(
            id: "PSVDB01", name: "Order database", policyID: "PEPPLAT", teamIDs: ["PTEAM02"]),
    ]
    /// The priorities, most severe first.
    var priorities: [Priority] = [
        Priority(id: "PPRIO01", name: "P1", description: "Many customers cannot buy"),
        Priority(id: "PPRIO02", name: "P2", description: "Some customers cannot buy"),
        Priority(id: "PPRIO03", name: "P3", description: "Buying is slow"),
        Priority(id: "PPRIO04", name: "P4", description: "An annoyance"),
        Priority(id: "PPRIO05", name: "P5", description: "For information"),
    ]
    var workflows: [Workflow] = [
        Workflow(id: "PWFMAJR", name: "Major incident", isEnabled: true),
        Workflow(id: "PWFCOMM", name: "Tell the customers", isEnabled: true),
        Workflow(id: "PWFOLD1", name: "Retired workflow", isEnabled: false),
    ]
    var plays: [Play] = [Play(id: "PPLAY01", name: "Call the storefront team")]
    var abilities = [
        "sso", "advanced_reports", "teams", "urgencies", "priorities", "coordinated_responding",
        "response_operations", "incident_workflows", "event_rules",
    ]

    func user(_ id: String) -> User? { users.first { $0.id == id } }
    func user(email: String) -> User? {
        users.first { $0.email.lowercased() == email.lowercased() }
    }
    func team(_ id: String) -> Team? { teams.first { $0.id == id } }
    func policy(_ id: String) -> Policy? { policies.first { $0.id == id } }
    func service(_ id: String) -> DirectoryService? { services.first { $0.id == id } }
    func priority(_ id: String) -> Priority? { priorities.first { $0.id == id } }
    /// The most severe priority of that name.
    func priority(named name: String) -> Priority? { priorities.first { $0.name == name } }
    func workflow(_ id: String) -> Workflow? { workflows.first { $0.id == id } }
}

struct DirectoryService: Sendable {
    let id: String
    let name: String
    let policyID: String
    let teamIDs: [String]
}
