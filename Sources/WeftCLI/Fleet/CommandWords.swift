/// A command line split as a shell would, without anything being expanded: quotes and backslashes only.
package enum CommandWords {
    /// Nil when a quote is left open.
    package static func split(_ text: String) -> [String]? {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var escaped = false
        for character in text {
            if escaped {
                word = (word ?? "") + String(character)
                escaped = false
            } else if character == "\\" && quote != "'" {
                escaped = true
                word = word ?? ""
            } else if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
            } else if character == "'" || character == "\"" {
                quote = character
                word = word ?? ""
            } else if character.isWhitespace {
                if let finished = word { words.append(finished) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        guard quote == nil, !escaped else { return nil }
        return words + (word.map { [$0] } ?? [])
    }

    /// `text` with each `${NAME}` replaced; the name of one that `values` does not have is thrown.
    package static func expand(_ text: String, _ values: [String: String]) throws(UnknownPlaceholder) -> String {
        var result = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "${"), let end = rest[start.upperBound...].firstIndex(of: "}") {
            let name = String(rest[start.upperBound..<end])
            guard let value = values[name] else { throw UnknownPlaceholder(name: name) }
            result += rest[..<start.lowerBound] + value
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    /// A `${NAME}` that nothing is known about.
    package struct UnknownPlaceholder: Error, Hashable, Sendable {
        package var name: String
    }
}
