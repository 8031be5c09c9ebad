import Crypto
import JSON
import Models
import Runtime

/// The secrets to which a configuration file refers: `{"file": path}`, relative to that file, or
/// `{"variable": name}`. The file itself holds none.
struct FileSecrets {
    static let bytesMax = EnvironmentReader.secretBytesMax

    /// The folder of the configuration file.
    let folder: String
    let environment: [String: String]

    /// Returns nil if the secret cannot be read, and notes why. No message quotes a secret, not
    /// even one that was written into the file by mistake.
    func resolve(_ reader: JSONReader) -> SecretText? {
        guard reader.value.object != nil else {
            reader.problem(#"must be {"file": path} or {"variable": name}, not the secret itself"#)
            return nil
        }
        let keys = reader.keyed(by: SecretReferenceKey.self)
        let file = keys.member(.file)
        let variable = keys.member(.variable)
        keys.refuseOthers()
        guard let secret = secret(reader, file: file, variable: variable) else { return nil }
        // Checked here, because a key that cannot sign would show hours later, at the first call.
        if reader.pointer.hasSuffix("/privateKey"), !isPrivateKey(secret, reader) { return nil }
        return SecretText(secret)
    }

    private func secret(
        _ reader: JSONReader, file: JSONReader?, variable: JSONReader?
    ) -> String? {
        switch (file, variable) {
        case (let file?, nil): return file.string().flatMap { contents(of: $0, file) }
        case (nil, let variable?): return variable.string().flatMap { value(of: $0, variable) }
        case (nil, nil), (_?, _?):
            reader.problem("must name either a file or a variable")
            return nil
        }
    }

    private func contents(of path: String, _ reader: JSONReader) -> String? {
        do {
            let bytes = try SmallFile.read(
                path.hasPrefix("/") ? path : "\(folder)/\(path)", bytesMax: Self.bytesMax)
            guard let text = String(validating: bytes, as: UTF8.self) else {
                reader.problem("names a file that is not UTF-8")
                return nil
            }
            let secret =
                text.hasSuffix("\r\n") || text.hasSuffix("\n") ? text.dropLast() : text[...]
            if secret.isEmpty { reader.problem("names a file that is empty") }
            return secret.isEmpty ? nil : String(secret)
        } catch {
            reader.problem("names a file that \(error)")
            return nil
        }
    }

    private func value(of name: String, _ reader: JSONReader) -> String? {
        if let value = environment[name], !value.isEmpty { return value }
        let what = environment[name] == nil ? "not set" : "empty"
        reader.problem("names the variable \(name), which is \(what)")
        return nil
    }

    private func isPrivateKey(_ text: String, _ reader: JSONReader) -> Bool {
        do {
            _ = try RSAPrivateKey(pem: text)
            return true
        } catch {
            reader.problem("\(error)")
            return false
        }
    }
}
