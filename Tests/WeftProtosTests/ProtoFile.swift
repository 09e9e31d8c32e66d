import Foundation

/// The declarations of our .proto files, as far as the field facts speak of them.
struct ProtoFiles {
    /// `message field` to `number type [repeated]`, types by full name.
    private(set) var fields: [String: String] = [:]

    private var types: Set<String> = []
    private var raw: [(scope: String, field: String, number: String, type: String, repeated: Bool)] = []

    /// Reads every .proto file under `directory`.
    init(directory: URL) throws {
        let files = FileManager.default.enumerator(at: directory, includingPropertiesForKeys: nil)
        while let url = files?.nextObject() as? URL {
            if url.pathExtension == "proto" { try self.read(String(contentsOf: url, encoding: .utf8)) }
        }
        for field in self.raw {
            let type = self.resolve(field.type, in: field.scope)
            self.fields["\(field.scope) \(field.field)"] =
                "\(field.number) \(type)" + (field.repeated ? " repeated" : "")
        }
    }

    private mutating func read(_ text: String) throws {
        let declaration = /(message|enum|oneof|service) (\w+) \{(\})?/
        let member = /(repeated )?(map<\w+, ?[\w.]+>|[\w.]+) (\w+) = (\d+);/
        let value = /(\w+) = (\d+);/
        var package = ""
        var open: [(kind: Substring, name: Substring)] = []
        for line in text.split(separator: "\n") {
            let line = line.prefix { $0 != "/" }.trimmingCharacters(in: .whitespaces)
            let scope = ([package] + open.filter { $0.kind != "oneof" }.map { String($0.name) }).joined(separator: ".")
            if line.hasPrefix("package ") {
                package = String(line.dropFirst("package ".count).dropLast())
            } else if let match = line.prefixMatch(of: declaration) {
                if match.1 != "oneof" { self.types.insert("\(scope).\(match.2)") }
                if match.3 == nil { open.append((match.1, match.2)) }
            } else if line == "}" {
                open.removeLast()
            } else if open.last?.kind == "enum", let match = line.wholeMatch(of: value) {
                self.fields["\(scope) \(match.1)"] = "\(match.2) enum-value"
            } else if let match = line.wholeMatch(of: member) {
                self.raw.append((scope, String(match.3), String(match.4), String(match.2), match.1 != nil))
            }
        }
    }

    /// Finds a type as protoc does: in the innermost scope that has it.
    private func resolve(_ type: String, in scope: String) -> String {
        if let match = type.wholeMatch(of: /map<(\w+), ?([\w.]+)>/) {
            return "map<\(match.1),\(self.resolve(String(match.2), in: scope))>"
        }
        var parts = scope.split(separator: ".")
        while !parts.isEmpty {
            let candidate = parts.joined(separator: ".") + "." + type
            if self.types.contains(candidate) { return candidate }
            parts.removeLast()
        }
        return type
    }
}
