/// A value of the configuration dump, written as indented JSON with members in the order given.
enum DumpValue: Hashable, Sendable {
    case text(String)
    case number(Int)
    case flag(Bool)
    case list([DumpValue])
    case object([Member])

    struct Member: Hashable, Sendable {
        let name: String
        let value: DumpValue
    }

    /// An object without the members that have no value.
    static func object(_ members: KeyValuePairs<String, DumpValue?>) -> DumpValue {
        .object(members.compactMap { member in member.value.map { Member(name: member.key, value: $0) } })
    }

    var json: String {
        var json = ""
        self.write(to: &json, indent: "")
        return json + "\n"
    }

    private func write(to json: inout String, indent: String) {
        switch self {
        case .text(let text): Self.quote(text, to: &json)
        case .number(let number): json += "\(number)"
        case .flag(let flag): json += flag ? "true" : "false"
        case .list(let values):
            guard !values.isEmpty else { return json += "[]" }
            json += "["
            for (index, value) in values.enumerated() {
                json += (index == 0 ? "\n" : ",\n") + indent + "  "
                value.write(to: &json, indent: indent + "  ")
            }
            json += "\n\(indent)]"
        case .object(let members):
            guard !members.isEmpty else { return json += "{}" }
            json += "{"
            for (index, member) in members.enumerated() {
                json += (index == 0 ? "\n" : ",\n") + indent + "  "
                Self.quote(member.name, to: &json)
                json += ": "
                member.value.write(to: &json, indent: indent + "  ")
            }
            json += "\n\(indent)}"
        }
    }

    private static func quote(_ text: String, to json: inout String) {
        json += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": json += "\\\""
            case "\\": json += "\\\\"
            case "\n": json += "\\n"
            case "\r": json += "\\r"
            case "\t": json += "\\t"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                json += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: json.unicodeScalars.append(scalar)
            }
        }
        json += "\""
    }
}
