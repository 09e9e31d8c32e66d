internal import WeftModel
internal import Yams

/// Why a document is not even YAML that we read.
struct YAMLRefusal: Error {
    let line: Int
    let column: Int?
    let message: String
    let remedy: String

    init(line: Int, column: Int?, message: String, remedy: String) {
        self.line = line
        self.column = column
        self.message = message
        self.remedy = remedy
    }

    /// Puts the parser's own words into a place and a remedy. `lineOffset` lines precede the text in its file.
    init(_ error: YamlError, text: String, lineOffset: Int) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let during = context.map { " (\(Self.trimmed($0.text)))" } ?? ""
            self.init(
                line: mark.line + lineOffset, column: mark.column,
                message: "this is not YAML: \(Self.trimmed(problem))\(during)",
                remedy: Self.remedy(for: problem))
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map { "`\($0)`" }.joined(separator: ", ")
            self.init(
                line: context.mark.line + lineOffset, column: context.mark.column,
                message: "\(names) stands twice in the same object; only one could count",
                remedy: "Keep one of them.")
        case .reader(let problem, let offset, _, _):
            let before = text.utf8.prefix(offset ?? 0)
            self.init(
                line: lineOffset + 1 + before.count { $0 == UInt8(ascii: "\n") }, column: nil,
                message: "the text holds a byte that YAML forbids: \(Self.trimmed(problem))",
                remedy: "Save the file as UTF-8 without control characters.")
        default:
            self.init(
                line: lineOffset + 1, column: nil, message: "this is not readable YAML",
                remedy: "Check the document with a YAML tool.")
        }
    }

    func diagnostic(file: String?) -> Diagnostic {
        Diagnostic(.error, self.message, remedy: self.remedy, file: file, line: self.line, column: self.column)
    }

    private static func remedy(for problem: String) -> String {
        if problem.contains("tab") || problem.contains("cannot start any token") {
            return "Indent with spaces, not tabs, and put values with special characters between quotes."
        }
        if problem.contains("mapping values are not allowed") {
            return "Check the indentation of this line; a value that holds `: ` needs quotes."
        }
        if problem.contains("undefined alias") {
            return "A value that starts with `*` needs quotes."
        }
        return "Check the indentation, quotes and brackets of this line and the one before it."
    }

    private static func trimmed(_ text: String) -> String {
        var text = Substring(text)
        while let last = text.last, last.isWhitespace { text.removeLast() }
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        return String(text)
    }
}
