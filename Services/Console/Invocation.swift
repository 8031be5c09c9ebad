import Models
import Store

/// A command with its arguments.
enum Invocation: Equatable {
    case help
    case migrate
    case check(file: String)
    case apply(file: String)
    case events(EventSelection, asJSON: Bool)
    case event(EventName, asJSON: Bool)
    case explain(EventName, rule: String?, asJSON: Bool)
    case replay([EventName], ReplayScope = .rest)
    case replayFailed(connection: ConnectionID?, limit: Int)
    case links(LinkSubject, connection: ConnectionID?)
    case status
    case move(ConnectionID, force: Bool)

    /// A page of the log.
    struct EventSelection: Equatable {
        var filter = EventFilter()
        var limit = 20
        /// The cursor that the page before gave in its last line.
        var before: EventCursor?
    }

    /// An event's id, which is unique within a connection, and the connection if it is given.
    struct EventName: Equatable {
        var id: EventID
        var connection: ConnectionID?
    }

    enum LinkSubject: Equatable {
        case incident(IncidentID)
        case record(RecordID)
    }

    static let eventsMax = 1000

    init(_ words: [String]) throws(CommandError) {
        guard let command = words.first else { throw .usage("a command is needed") }
        if words.contains("--help") || command == "-h" || command == "help" {
            self = .help
            return
        }
        let rest = words.dropFirst()
        switch command {
        case "migrate":
            try Arguments(rest).none()
            self = .migrate
        case "check": self = .check(file: try Arguments(rest).one("file"))
        case "apply": self = .apply(file: try Arguments(rest).one("file"))
        case "events": self = try Self.events(rest)
        case "event":
            let arguments = try Arguments(rest, options: ["connection"], flags: ["json"])
            let id = try arguments.one("event id")
            self = .event(try arguments.event(id), asJSON: arguments.has("json"))
        case "explain": self = try Self.explain(rest)
        case "replay": self = try Self.replay(rest)
        case "links": self = try Self.links(rest)
        case "move":
            let arguments = try Arguments(rest, flags: ["force"])
            self = .move(
                try arguments.wellFormed(try arguments.one("connection")),
                force: arguments.has("force"))
        case "status":
            try Arguments(rest).none()
            self = .status
        default: throw .usage("\"\(command)\" is no command")
        }
    }

    private static func events(_ words: ArraySlice<String>) throws(CommandError) -> Invocation {
        let arguments = try Arguments(
            words, options: ["connection", "lane", "kind", "outcome", "limit", "before"],
            flags: ["json"])
        try arguments.none()
        var selection = EventSelection()
        switch (try arguments.connection(), arguments["lane"]) {
        case (nil, nil): break
        case (nil, _?): throw .usage("--lane needs --connection: a lane belongs to one")
        case (let connection?, nil): selection.filter.scope = .connection(connection)
        case (let connection?, let lane?):
            selection.filter.scope = .lane(LaneKey(lane), of: connection)
        }
        selection.filter.kind = arguments["kind"].map(EventKind.init(rawValue:))
        if let outcome = arguments["outcome"] {
            selection.filter.status = EventFilter.EventStatus(rawValue: outcome)
            let known = EventFilter.EventStatus.allCases.map(\.rawValue).joined(separator: ", ")
            if selection.filter.status == nil {
                throw .usage("--outcome must be one of \(known)")
            }
        }
        if let before = arguments["before"] {
            selection.before = EventCursor(before)
            if selection.before == nil {
                throw .usage("--before takes what the page before gave")
            }
        }
        selection.limit = try arguments.number("limit", in: 1...eventsMax) ?? selection.limit
        return .events(selection, asJSON: arguments.has("json"))
    }

    private static func explain(_ words: ArraySlice<String>) throws(CommandError) -> Invocation {
        let arguments = try Arguments(words, options: ["connection"], flags: ["json"])
        guard (1...2).contains(arguments.operands.count) else {
            throw .usage("an event id is needed, and a rule if only one is asked about")
        }
        return .explain(
            try arguments.event(arguments.operands[0]),
            rule: arguments.operands.count == 2 ? arguments.operands[1] : nil,
            asJSON: arguments.has("json"))
    }

    private static func replay(_ words: ArraySlice<String>) throws(CommandError) -> Invocation {
        let arguments = try Arguments(
            words, options: ["connection", "limit"], flags: ["failed", "all"])
        let scope: ReplayScope = arguments.has("all") ? .all : .rest
        guard arguments.has("failed") else {
            if arguments["limit"] != nil { throw .usage("--limit belongs to --failed") }
            if arguments.operands.isEmpty { throw .usage("event ids or --failed are needed") }
            var names: [EventName] = []
            for id in arguments.operands { names.append(try arguments.event(id)) }
            return .replay(names, scope)
        }
        try arguments.none()
        if scope == .all { throw .usage("--all belongs to events that are named") }
        return .replayFailed(
            connection: try arguments.connection(),
            limit: try arguments.number("limit", in: 1...eventsMax) ?? 100)
    }

    private static func links(_ words: ArraySlice<String>) throws(CommandError) -> Invocation {
        let arguments = try Arguments(words, options: ["connection", "incident", "record"])
        try arguments.none()
        let connection = try arguments.connection()
        switch (arguments["incident"], arguments["record"]) {
        case (let incident?, nil):
            return .links(.incident(IncidentID(incident)), connection: connection)
        case (nil, let record?):
            guard let id = RecordID(record) else {
                throw .usage("--record must be 15 or 18 letters and digits")
            }
            return .links(.record(id), connection: connection)
        case (nil, nil), (_?, _?): throw .usage("either --incident or --record is needed")
        }
    }
}

extension Arguments {
    fileprivate func connection() throws(CommandError) -> ConnectionID? {
        guard let id = self["connection"] else { return nil }
        return try wellFormed(id)
    }

    fileprivate func wellFormed(_ text: String) throws(CommandError) -> ConnectionID {
        let id = ConnectionID(text)
        guard id.isWellFormed else { throw .usage("\"\(id)\" cannot be a connection's id") }
        return id
    }

    fileprivate func event(_ id: String) throws(CommandError) -> Invocation.EventName {
        Invocation.EventName(id: EventID(id), connection: try connection())
    }
}
