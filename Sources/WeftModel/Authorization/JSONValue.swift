/// A JSON value as tokens carry it.
package indirect enum JSONValue: Hashable, Sendable {
    case null
    case boolean(Bool)
    /// As it was written: `12`, `1.5e9`.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// A whole number.
    package static func integer(_ value: Int64) -> JSONValue { .number(String(value)) }

    /// The text of a string; nil for all else.
    package var string: String? { if case .string(let text) = self { text } else { nil } }

    /// The members of an object; nil for all else.
    package var object: [String: JSONValue]? { if case .object(let members) = self { members } else { nil } }

    /// The elements of an array; nil for all else.
    package var array: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }

    /// A number without its fraction; nil for all else, and beyond what 53 bits hold.
    package var wholeNumber: Int64? {
        guard case .number(let text) = self else { return nil }
        if let whole = Int64(text), whole.magnitude <= 1 << 53 { return whole }
        guard let number = Double(text), number.magnitude <= 9_007_199_254_740_992 else { return nil }
        return Int64(number.rounded(.down))
    }

    /// What follows the way `path` from here, one member name for each level; nil where there is no such thing.
    package func value(at path: [String]) -> JSONValue? {
        var value = self
        for name in path {
            guard case .object(let members) = value, let next = members[name] else { return nil }
            value = next
        }
        return value
    }

    /// Compact JSON, members in the order of their names.
    package var text: String {
        var result = ""
        self.write(to: &result)
        return result
    }

    private func write(to result: inout String) {
        switch self {
        case .null: result += "null"
        case .boolean(let value): result += value ? "true" : "false"
        case .number(let text): result += text
        case .string(let text): Self.quote(text, to: &result)
        case .array(let elements):
            result += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { result += "," }
                element.write(to: &result)
            }
            result += "]"
        case .object(let members):
            result += "{"
            for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { result += "," }
                Self.quote(member.key, to: &result)
                result += ":"
                member.value.write(to: &result)
            }
            result += "}"
        }
    }

    private static func quote(_ text: String, to result: inout String) {
        result += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            default:
                if scalar.value < 0x20 {
                    let digits = String(scalar.value, radix: 16)
                    result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        result += "\""
    }
}
