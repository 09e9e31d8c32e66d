/// One value of a YAML document, with its place: what the kinds are read from.
///
/// Plain scalars have been given their type by YAML's rules; quoted ones are text. JSON is read the same way.
package struct YAMLNode: Hashable, Sendable {
    package let value: Value
    /// The scalar as written; empty for lists and objects.
    package let source: String
    /// In the file, from 1.
    package let line: Int
    /// In characters, from 1.
    package let column: Int

    package init(value: Value, source: String = "", line: Int, column: Int) {
        self.value = value
        self.source = source
        self.line = line
        self.column = column
    }

    package enum Value: Hashable, Sendable {
        case null
        case boolean(Bool)
        case integer(Int)
        case decimal(Double)
        case text(String)
        case list([YAMLNode])
        /// In document order; keys are unique.
        case object([Entry])
    }

    package struct Entry: Hashable, Sendable {
        package let key: String
        package let line: Int
        package let column: Int
        package let value: YAMLNode

        package init(key: String, line: Int, column: Int, value: YAMLNode) {
            self.key = key
            self.line = line
            self.column = column
            self.value = value
        }
    }

    /// What the value is, in words: `text "80"`, `the number 80`, `a list`.
    package var phrase: String {
        switch self.value {
        case .null: "nothing"
        case .boolean, .decimal, .integer: "\(self.kindPhrase) \(Self.shortened(self.source))"
        case .text(let text): "the text \"\(Self.shortened(text))\""
        case .list(let items): items.isEmpty ? "an empty list" : "a list"
        case .object(let entries): entries.isEmpty ? "an empty object" : "an object"
        }
    }

    private var kindPhrase: String {
        if case .boolean = self.value { return "the truth value" }
        return "the number"
    }

    /// Text that fits into a message.
    package static func shortened(_ text: String) -> String {
        text.count <= 60 ? text : text.prefix(57) + "..."
    }
}
