/// Cuts a YAML file into its documents, so that a mistake in one leaves the others readable.
///
/// A line that starts with `---` begins a document wherever it stands: YAML allows it nowhere else, not even in a
/// block of text.
struct DocumentSplitter {
    /// One document's text and where it starts.
    struct Part {
        let text: Substring
        /// The part's first line in the file, from 1.
        let firstLine: Int
    }

    static func parts(of text: String) -> [Part] {
        var parts: [Part] = []
        var partStart = text.startIndex
        var partLine = 1
        var line = 1
        var onlyDirectives = true
        var lineStart = text.startIndex
        let bytes = text.utf8
        while lineStart < text.endIndex {
            let lineEnd = bytes[lineStart...].firstIndex(of: UInt8(ascii: "\n")) ?? text.endIndex
            let content = bytes[lineStart..<lineEnd]
            if Self.isMarker(content), lineStart > partStart, !onlyDirectives {
                parts.append(Part(text: text[partStart..<lineStart], firstLine: partLine))
                partStart = lineStart
                partLine = line
            }
            if !Self.isDirectiveOrBlank(content) { onlyDirectives = false }
            lineStart = lineEnd < text.endIndex ? bytes.index(after: lineEnd) : text.endIndex
            line += 1
        }
        if partStart < text.endIndex { parts.append(Part(text: text[partStart...], firstLine: partLine)) }
        return parts
    }

    private static func isMarker(_ line: Substring.UTF8View.SubSequence) -> Bool {
        guard line.starts(with: "---".utf8) else { return false }
        guard let next = line.dropFirst(3).first else { return true }
        return next == UInt8(ascii: " ") || next == UInt8(ascii: "\t") || next == UInt8(ascii: "\r")
    }

    /// Directives and comments before a `---` belong to the document it begins.
    private static func isDirectiveOrBlank(_ line: Substring.UTF8View.SubSequence) -> Bool {
        guard let first = line.first(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\r") }) else {
            return true
        }
        return first == UInt8(ascii: "#") || line.first == UInt8(ascii: "%")
    }
}
