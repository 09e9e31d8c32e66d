internal import Foundation
internal import Yams

/// How a command shows its result.
package enum OutputFormat: String, Sendable, CaseIterable {
    /// For people. The default.
    case table
    /// For people, with more columns where there are more.
    case wide
    /// For programs, indented, keys sorted.
    case json
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
            let encoder = YAMLEncoder()
            encoder.options.sortKeys = true
            return try encoder.encode(value).trimmingCharacters(in: .newlines)
        }
    }
}
