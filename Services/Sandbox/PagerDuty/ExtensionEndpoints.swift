import HTTP
import JSON

/// `/extensions` and their schemas (PagerDuty.md 34 and 35).
extension SandboxPagerDuty {
    static let customActionsPerServiceMax = 3

    mutating func createExtension(_ call: PagerDutyCall) throws(PagerDutyError) -> HTTPResponse {
        let target = try addExtension(try call.object("extension"))
        return .json(201, ["extension": view(of: target)])
    }

    mutating func addExtension(_ part: JSON) throws(PagerDutyError) -> V2Extension {
        guard let name = part.present("name")?.string, let url = part["endpoint_url"]?.string,
            let schema = part["extension_schema"]?["id"]?.string.flatMap(V2Extension.Schema.init)
        else { throw .invalid("Extension is invalid.") }
        let services = (part["extension_objects"]?.array ?? []).compactMap { $0["id"]?.string }
        guard !services.isEmpty, services.allSatisfy({ directory.service($0) != nil }) else {
            throw .arguments("Service not found")
        }
        if schema == .customAction {
            let isFull = services.contains { service in
                extensions.filter { $0.schema == schema && $0.serviceIDs.contains(service) }.count
                    >= Self.customActionsPerServiceMax
            }
            if isFull { throw .limitReached("Custom Incident Actions limit reached") }
        }
        let target = V2Extension(
            id: ids.short(), schema: schema, name: name, url: url, serviceIDs: services,
            customHeaders: Self.headers(part["config"]?["headers"]))
        extensions.append(target)
        effects.append("extension \(target.id)")
        return target
    }

    func listExtensions(_ call: PagerDutyCall) throws(PagerDutyError) -> HTTPResponse {
        let found = extensions.filter { target in
            call.query["extension_object_id"].map(target.serviceIDs.contains) ?? true
        }
        return try page(found, of: call, under: "extensions") { view(of: $0) }
    }

    private func position(ofExtension id: String) throws(PagerDutyError) -> Int {
        guard let position = extensions.firstIndex(where: { $0.id == id }) else { throw .notFound }
        return position
    }

    func getExtension(_ id: String) throws(PagerDutyError) -> HTTPResponse {
        .json(200, ["extension": view(of: extensions[try position(ofExtension: id)])])
    }

    mutating func updateExtension(
        _ call: PagerDutyCall, _ id: String
    ) throws(PagerDutyError) -> HTTPResponse {
        let position = try position(ofExtension: id)
        let part = try call.object("extension")
        var changed = extensions[position]
        if let name = part.present("name")?.string { changed.name = name }
        if let url = part.present("endpoint_url")?.string { changed.url = url }
        if let headers = part["config"]?["headers"] {
            changed.customHeaders = Self.headers(headers)
        }
        extensions[position] = changed
        return .json(200, ["extension": view(of: changed)])
    }

    mutating func deleteExtension(_ id: String) throws(PagerDutyError) -> HTTPResponse {
        extensions.remove(at: try position(ofExtension: id))
        return HTTPResponse(status: 204)
    }

    mutating func enableExtension(_ id: String) throws(PagerDutyError) -> HTTPResponse {
        let position = try position(ofExtension: id)
        extensions[position].health = EndpointHealth()
        return .json(200, ["extension": view(of: extensions[position])])
    }

    func listExtensionSchemas(_ call: PagerDutyCall) throws(PagerDutyError) -> HTTPResponse {
        try page(V2Extension.Schema.allCases, of: call, under: "extension_schemas") { schema in
            reference(
                "extension_schema", schema.rawValue, schema.label, in: "extension_schemas"
            ).with([
                "type": "extension_schema", "key": .string(schema.key),
                "label": .string(schema.label),
                "send_types": [
                    "trigger", "acknowledge", "resolve", "delegate", "escalate", "unacknowledge",
                    "assign", "custom",
                ],
            ])
        }
    }
}
