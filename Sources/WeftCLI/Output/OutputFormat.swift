internal import Foundation

/// How a command shows its result.
package enum OutputFormat: String, Sendable, CaseIterable {
    /// For people. The default.
    case table
    /// For people, with more columns where there are more.
    case wide
    /// For programs, indented, keys sorted.
    case json
    /// The same as JSON; numbers have no exponents.
    case yaml

    /// `value` in this format; `table` makes the text for people.
    package func render(_ value: some Encodable, table: () -> String) throws -> String {
        switch self {
        case .table, .wide: return table()
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return Self.harmless(json: String(decoding: try encoder.encode(value), as: UTF8.self))
        case .yaml:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return try YAMLText.of(json: String(decoding: try encoder.encode(value), as: UTF8.self))
        }
    }

    /// JSON on one line.
    static func jsonLine(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Self.harmless(json: String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// The same JSON, with what a terminal might obey written as `\u009b`: the encoder leaves all beyond ASCII as it is.
    static func harmless(json: String) -> String {
        // JSON itself has of these only line breaks, and those are no part of its strings.
        guard json.unicodeScalars.contains(where: { $0.value >= 0x7F && Table.isHidden($0) }) else { return json }
        var text = ""
        for scalar in json.unicodeScalars {
            guard scalar.value >= 0x7F, Table.isHidden(scalar) else {
                text.unicodeScalars.append(scalar)
                continue
            }
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return text
    }
}
