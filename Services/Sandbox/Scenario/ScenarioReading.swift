import JSON
import Runtime

extension Scenario {
    static let bytesMax = 1 << 20

    /// - Throws: every problem of the file at once.
    init(file: String) throws(ScenarioError) {
        let bytes: [UInt8]
        do {
            bytes = try SmallFile.read(file, bytesMax: Self.bytesMax)
        } catch {
            throw .scenario(["\(file) \(error)"])
        }
        let json: JSON
        do {
            json = try JSON(parsing: bytes)
        } catch {
            throw .scenario(["\(file) is not JSON: \(error)"])
        }
        try self.init(json)
    }

    init(_ json: JSON) throws(ScenarioError) {
        let problems = JSONProblems()
        let reader = JSONReader(json, problems: problems)
        title = reader.required("title")?.string() ?? ""
        captures = reader.captures()
        steps = reader.elements("steps").map(ScenarioStep.init(reading:))
        if steps.isEmpty { reader.problem("holds no step", at: "steps") }
        reader.refuseOthers()
        if !problems.all.isEmpty { throw .scenario(problems.all.map(\.description)) }
    }
}

extension ScenarioStep {
    fileprivate init(reading reader: JSONReader) {
        title = reader.required("title")?.string() ?? ""
        acts = reader.elements("do").compactMap(ScenarioAction.init(reading:))
        captures = reader.captures()
        expected = Scenario.Expectation(reading: reader.required("expect") ?? reader)
        reader.refuseOthers()
    }
}

extension ScenarioAction {
    fileprivate init?(reading reader: JSONReader) {
        defer { reader.refuseOthers() }
        if let control = reader.member("control") {
            let words = (control.string() ?? "").split(separator: " ").map(String.init)
            guard words.count == 2 else {
                control.problem("must be a method and a path")
                return nil
            }
            let body = reader.member("body")?.value ?? [:]
            self = .control(method: words[0], path: words[1], body: body)
        } else if reader.member("deliver") != nil {
            self = .deliver(RawDelivery(reading: reader))
        } else if reader.member("deliverAgain") != nil {
            self = .deliverAgain(status: reader.status())
        } else if let console = reader.member("console") {
            self = .console(console.elements().compactMap { $0.string() })
        } else {
            reader.problem("must hold control, deliver, deliverAgain or console")
            return nil
        }
    }
}

extension RawDelivery {
    fileprivate init(reading reader: JSONReader) {
        path = reader.required("deliver")?.string() ?? ""
        body = reader.required("body")?.value ?? .null
        headers = (reader.member("headers")?.members() ?? []).map { name, value in
            (name, value.string() ?? "")
        }
        status = reader.status()
        guard let sign = reader.member("sign") else {
            proof = .none
            return
        }
        if let secret = sign.member("pagerDuty")?.string() {
            proof = .pagerDuty(secret: secret)
        } else if let secret = sign.member("apex")?.string() {
            proof = .apex(secret: secret)
        } else {
            sign.problem("must hold pagerDuty or apex")
            proof = .none
        }
        sign.refuseOthers()
    }
}

extension Scenario.Expectation {
    fileprivate init(reading reader: JSONReader) {
        events = reader.elements("events").map(Scenario.ExpectedEvent.init(reading:))
        calls = reader.elements("calls").compactMap { $0.string() }
        holdings = (reader.member("holds")?.members() ?? []).flatMap { path, pointers in
            pointers.members().map { pointer, value in
                Scenario.Holding(path: path, pointer: pointer, value: value.value)
            }
        }
        reader.refuseOthers()
    }
}

extension Scenario.ExpectedEvent {
    fileprivate init(reading reader: JSONReader) {
        kind = reader.required("kind")?.string() ?? ""
        outcome = reader.required("outcome")?.string() ?? ""
        rules = reader.elements("rules").compactMap { $0.string() }
        cause = reader.member("cause")?.string()
        attempts = reader.member("attempts")?.int(1...100)
        reader.refuseOthers()
    }
}

extension JSONReader {
    fileprivate func status() -> Int { required("status")?.int(100...599) ?? 0 }

    fileprivate func captures() -> [Scenario.Capture] {
        (member("capture")?.members() ?? []).map { name, reader in
            let text = reader.string() ?? ""
            let parts = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count != 2 { reader.problem("must be a path, # and a JSON pointer") }
            return Scenario.Capture(
                name: name, path: parts[0].isEmpty ? nil : String(parts[0]),
                pointer: String(parts.last ?? ""))
        }
    }
}
