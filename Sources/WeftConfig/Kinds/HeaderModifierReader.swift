internal import WeftModel

/// Reads the filters of a rule or backend: those that change headers.
enum HeaderModifierReader {
    private static let supported = ["RequestHeaderModifier", "ResponseHeaderModifier"]

    private static let later: Set<String> = [
        "RequestRedirect", "URLRewrite", "RequestMirror", "CORS", "ExternalAuth", "ExtensionRef",
    ]

    static func readFilters(_ field: Field) -> (request: HeaderModifier, response: HeaderModifier) {
        var request: HeaderModifier?
        var response: HeaderModifier?
        for item in field.list(atMost: 16) ?? [] {
            guard
                let object = item.object(
                    known: ["type", "requestHeaderModifier", "responseHeaderModifier"],
                    ignored: ["requestRedirect", "urlRewrite", "requestMirror", "cors", "externalAuth", "extensionRef"]),
                let type = object.required("type", remedy: "Add the filter's `type`."), let name = type.text()
            else { continue }
            switch name {
            case "RequestHeaderModifier":
                self.read(object, "requestHeaderModifier", type, into: &request)
            case "ResponseHeaderModifier":
                self.read(object, "responseHeaderModifier", type, into: &response)
            default:
                type.refuse(
                    self.later.contains(name)
                        ? "the filter \(name) is not supported yet; without it the route would do something else"
                        : "there is no filter \"\(YAMLNode.shortened(name))\"",
                    remedy: Suggestion.remedy(for: name, among: self.supported, noun: "Filters"))
            }
        }
        return (request ?? HeaderModifier(), response ?? HeaderModifier())
    }

    private static func read(
        _ object: ObjectFields, _ name: String, _ type: Field, into modifier: inout HeaderModifier?
    ) {
        if modifier != nil {
            type.refuse("this type of filter stands here already", remedy: "Put all changes into one filter.")
        }
        guard let field = object.required(name, remedy: "Add `\(name):` with set, add or remove."),
            let changes = field.object(known: ["set", "add", "remove"])
        else { return }
        var read = HeaderModifier()
        read.set = changes["set"].map(self.headers) ?? []
        read.add = changes["add"].map(self.headers) ?? []
        read.remove = changes["remove"]?.list(atMost: 16)?.compactMap(self.name) ?? []
        modifier = read
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
