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
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        case .yaml:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return try YAMLText.of(json: String(decoding: try encoder.encode(value), as: UTF8.self))
        }
    }
}
