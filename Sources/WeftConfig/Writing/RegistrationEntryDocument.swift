internal import WeftModel

/// Writes `weft.dev/v1 RegistrationEntry`.
enum RegistrationEntryDocument {
    static func spec(_ entry: RegistrationEntry) -> JSONValue {
        var object = ObjectBuilder()
        object.add("account", .text(entry.account))
        object.add("service", entry.service.map(JSONValue.text))
        if !entry.labels.isEmpty {
            object.add(
                "labels",
                .object(entry.labels.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, .text($0.value)) }))
        }
        object.add("hosts", entry.hosts.map { .list($0.map(JSONValue.text)) })
        object.add("selectors", .list(entry.selectors.map(self.selector)))
        object.add("ttl", entry.ttl.map { .text(DurationText.text($0)) })
        if !entry.dnsNames.isEmpty { object.add("dnsNames", .list(entry.dnsNames.map(JSONValue.text))) }
        if !entry.hint.isEmpty { object.add("hint", .text(entry.hint)) }
        return object.value
    }

    private static func selector(_ selector: ProcessSelector) -> JSONValue {
        let member: JSONValue.Member =
            switch selector {
            case .uid(let number): .init("uid", .integer(Int(number)))
            case .gid(let number): .init("gid", .integer(Int(number)))
            case .path(let path): .init("path", .text(path))
            case .unit(let unit): .init("unit", .text(unit))
            case .user(let user): .init("user", .text(user))
            }
        return .object([member])
    }
}
