internal import WeftModel

/// Reads one match of a route's rule.
enum RouteMatchReader {
    /// The methods that Gateway API knows.
    static let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]

    static func read(_ field: Field) -> RouteMatch? {
        guard let object = field.object(known: ["path", "headers", "queryParams", "method"]) else { return nil }
        let path = object["path"].map(self.path) ?? .prefix("/")
        let headers = object["headers"].map(self.headers) ?? []
        let query = object["queryParams"].map { self.conditions($0, areHeaders: false) } ?? []
        let method = object["method"].flatMap(self.method)
        guard let path else { return nil }
        return RouteMatch(
            path: path, method: method,
            headers: headers,
            queryParameters: query.map { QueryParameterMatch(name: $0.name, value: $0.value) })
    }

    static func headers(_ field: Field) -> [HeaderMatch] {
        self.conditions(field, areHeaders: true).map { HeaderMatch(name: $0.name, value: $0.value) }
    }

    private static func method(_ field: Field) -> String? {
        guard let text = field.text(atMost: 32) else { return nil }
        guard Self.methods.contains(text) else {
            field.refuse(
                "there is no method \"\(text)\"",
                remedy: Suggestion.remedy(for: text, among: Self.methods, noun: "Values"))
            return nil
        }
        return text
    }

    private enum PathType: String, CaseIterable { case Exact, PathPrefix, RegularExpression }

    private static func path(_ field: Field) -> PathMatch? {
        guard let object = field.object(known: ["type", "value"]) else { return nil }
        let type: PathType? = object["type"].map { $0.word() } ?? .PathPrefix
        guard let type else { return nil }
        guard let valueField = object["value"] else {
            switch type {
            case .Exact: return .exact("/")
            case .PathPrefix: return .prefix("/")
            case .RegularExpression:
                field.refuse(
                    "a RegularExpression without a `value` would match nothing that anybody wrote",
                    remedy: "Add the expression as `value`, which must match the whole path; or match with PathPrefix.")
                return nil
            }
        }
        guard let value = valueField.text(atMost: 1024) else { return nil }
        if type == .RegularExpression { return self.isExpression(value, valueField) ? .regularExpression(value) : nil }
        guard self.isPath(value, valueField) else { return nil }
        if type == .Exact { return .exact(value) }
        // `/v2/` and `/v2` mean the same prefix; one spelling keeps their precedence equal.
        return .prefix(value.count > 1 && value.hasSuffix("/") ? String(value.dropLast()) : value)
    }

    /// What a path may be written as: anything else could never match a normalized request.
    static func isPath(_ value: String, _ field: Field) -> Bool {
        let complaint: String?
        if !value.hasPrefix("/") {
            complaint = "does not start with /"
        } else if value.contains("//") {
            complaint = "has an empty segment (//)"
        } else if value.contains("#") || value.contains("?") {
            complaint = "holds a # or ?, which is no part of a path"
        } else if value.lowercased().contains("%2f") {
            complaint = "holds an encoded slash"
        } else if value.split(separator: "/").contains(where: { $0 == "." || $0 == ".." }) {
            complaint = "has a . or .. segment"
        } else if value.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) {
            complaint = "holds a space or control character"
        } else {
            complaint = nil
        }
        guard let complaint else { return true }
        field.refuse(
            "the path \"\(YAMLNode.shortened(value))\" \(complaint)",
            remedy: "Write a path such as /v2 or /courses/swift.")
        return false
    }

    static func isExpression(_ value: String, _ field: Field) -> Bool {
        do {
            _ = try RegularExpression(value)
            return true
        } catch {
            field.refuse(
                "\"\(YAMLNode.shortened(value))\" is no regular expression: \(error)",
                remedy: error.remedy
                    ?? "It must match the whole value; escape special characters with a backslash, between single quotes."
            )
            return false
        }
    }

    private enum ConditionType: String, CaseIterable { case Exact, RegularExpression }

    private static func conditions(_ field: Field, areHeaders: Bool) -> [(name: String, value: StringMatch)] {
        guard let items = field.list(atMost: 16) else { return [] }
        var conditions: [(name: String, value: StringMatch)] = []
        for item in items {
            guard let object = item.object(known: ["type", "name", "value"]) else { continue }
            let type: ConditionType? = object["type"].map { $0.word() } ?? .Exact
            let nameField = object.required("name", remedy: "Add the `name` to look at.")
            let valueField = object.required("value", remedy: "Add the `value` to compare with.")
            guard let type, let nameField, let valueField, let name = nameField.text(atMost: 256),
                let value = valueField.anyText()
            else { continue }
            if areHeaders, !NameRules.isToken(name) {
                nameField.refuse(
                    "\"\(YAMLNode.shortened(name))\" is no header name",
                    remedy: "Write a name such as x-version; paths and methods have fields of their own.")
                continue
            }
            let key = areHeaders ? name.lowercased() : name
            if conditions.contains(where: { $0.name == key }) {
                nameField.warn("\(name) stands here already; this one is ignored", remedy: "Remove it.")
                continue
            }
            switch type {
            case .Exact: conditions.append((key, .exact(value)))
            case .RegularExpression:
                if self.isExpression(value, valueField) { conditions.append((key, .regularExpression(value))) }
            }
        }
        return conditions
    }
}
