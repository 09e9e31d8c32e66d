internal import WeftModel

/// Reads changes to headers.
enum HeaderModifierReader {
    static func read(_ field: Field) -> HeaderModifier {
        guard let changes = field.object(known: ["set", "add", "remove"]) else { return HeaderModifier() }
        return HeaderModifier(
            set: changes["set"].map(self.headers) ?? [], add: changes["add"].map(self.headers) ?? [],
            remove: changes["remove"]?.list(atMost: 16)?.compactMap(self.name) ?? [])
    }

    private static func headers(_ field: Field) -> [HeaderModifier.Header] {
        guard let items = field.list(atMost: 16) else { return [] }
        var headers: [HeaderModifier.Header] = []
        for item in items {
            guard let object = item.object(known: ["name", "value"]) else { continue }
            let name = object.required("name", remedy: "Add the header's `name`.").flatMap(self.name)
            let valueField = object.required("value", remedy: "Add the header's `value`.")
            guard let name, let valueField, let value = valueField.anyText() else { continue }
            guard NameRules.isFieldValue(value) else {
                valueField.refuse(
                    "the value holds a control character, or a space at an end, which no header can carry",
                    remedy: "Remove it.")
                continue
            }
            if headers.contains(where: { $0.name == name }) {
                item.warn("\(name) stands here already; this one is ignored", remedy: "Remove it.")
                continue
            }
            headers.append(HeaderModifier.Header(name: name, value: value))
        }
        return headers
    }

    /// A header that may be changed, in lower case.
    private static func name(_ field: Field) -> String? {
        guard let text = field.text(atMost: 256) else { return nil }
        guard NameRules.isToken(text) else {
            field.refuse("\"\(YAMLNode.shortened(text))\" is no header name", remedy: "Write a name such as x-version.")
            return nil
        }
        let name = text.lowercased()
        guard !self.framing.contains(name), !name.hasPrefix("x-weft-") else {
            field.refuse(
                "\(name) belongs to the connection or to the mesh and cannot be changed", remedy: "Remove it.")
            return nil
        }
        return name
    }

    /// What says where messages end, and what counts for one connection only.
    private static let framing: Set<String> = [
        "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
        "upgrade",
        "host",
    ]
}
