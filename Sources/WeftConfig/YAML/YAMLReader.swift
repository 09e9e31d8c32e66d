internal import Yams
package import WeftModel

/// A file's text, as handed in by whoever read it.
package struct SourceDocument: Hashable, Sendable, Codable {
    /// What to call it in diagnostics: a path, or `<stdin>`. Empty when there is no file.
    package var file: String
    package var text: String

    package init(file: String, text: String) {
        self.file = file
        self.text = text
    }
}

/// How much YAML is read: what is larger is refused, not truncated.
package struct YAMLLimits: Hashable, Sendable {
    /// Bytes of one file. Default 16 MiB.
    package var fileBytes = 16 << 20
    /// Bytes of one document. Default 1 MiB.
    package var documentBytes = 1 << 20
    /// Nesting of lists and objects. Default 64.
    package var depth = 64
    /// Values in one document once its aliases are followed. Default 100 000.
    package var nodes = 100_000
    /// Aliases in one document. Default 16: following them is what makes a small document huge.
    package var aliases = 16

    package init() {}
}

/// Reads YAML text into nodes with their places.
package struct YAMLReader {
    private let limits: YAMLLimits

    package init(limits: YAMLLimits = YAMLLimits()) {
        self.limits = limits
    }

    /// The documents of a file that could be read, and what is wrong with the others. Empty documents are left out.
    package func read(_ source: SourceDocument) -> (documents: [YAMLNode], diagnostics: [Diagnostic]) {
        let file = source.file.isEmpty ? nil : source.file
        guard source.text.utf8.count <= self.limits.fileBytes else {
            let size = Diagnostic(
                .error, "the file has \(source.text.utf8.count) bytes; at most \(self.limits.fileBytes) are read",
                remedy: "Split it into several files.", file: file)
            return ([], [size])
        }
        var documents: [YAMLNode] = []
        var diagnostics: [Diagnostic] = []
        for part in DocumentSplitter.parts(of: source.text) {
            do throws(YAMLRefusal) {
                documents += try self.nodes(of: part)
            } catch {
                diagnostics.append(error.diagnostic(file: file))
            }
        }
        return (documents, diagnostics)
    }

    private func nodes(of part: DocumentSplitter.Part) throws(YAMLRefusal) -> [YAMLNode] {
        guard part.text.utf8.count <= self.limits.documentBytes else {
            throw YAMLRefusal(
                line: part.firstLine, column: nil,
                message:
                    "the document has \(part.text.utf8.count) bytes; at most \(self.limits.documentBytes) are read",
                remedy: "A resource describes one thing and is small: check what was pasted here, or split it.")
        }
        let text = String(part.text)
        let aliases = AliasCount.upperBound(in: text)
        guard aliases <= self.limits.aliases else {
            throw YAMLRefusal(
                line: part.firstLine, column: nil,
                message:
                    "the document has about \(aliases) YAML aliases (`*name`); at most \(self.limits.aliases) are followed",
                remedy: "Write the repeated values out.")
        }
        do {
            let parser = try Parser(yaml: text, encoding: .utf8)
            var documents: [YAMLNode] = []
            while let root = try parser.nextRoot() {
                var conversion = NodeConversion(limits: self.limits, lineOffset: part.firstLine - 1)
                let node = try conversion.node(root, depth: 0)
                if node.value != .null { documents.append(node) }
            }
            return documents
        } catch let refusal as YAMLRefusal {
            throw refusal
        } catch let error as YamlError {
            throw YAMLRefusal(error, text: text, lineOffset: part.firstLine - 1)
        } catch {
            throw YAMLRefusal(
                line: part.firstLine, column: nil, message: "this is not readable YAML: \(error)",
                remedy: "Check the document with a YAML tool.")
        }
    }
}

/// Turns the parser's tree into nodes, within the limits.
private struct NodeConversion {
    let limits: YAMLLimits
    let lineOffset: Int
    private var count = 0

    init(limits: YAMLLimits, lineOffset: Int) {
        self.limits = limits
        self.lineOffset = lineOffset
    }

    mutating func node(_ node: Yams.Node, depth: Int) throws(YAMLRefusal) -> YAMLNode {
        let line = (node.mark?.line ?? 1) + self.lineOffset
        let column = node.mark?.column ?? 1
        self.count += 1
        guard self.count <= self.limits.nodes else {
            throw YAMLRefusal(
                line: line, column: column,
                message: "the document holds more than \(self.limits.nodes) values once its aliases are followed",
                remedy: "Remove the aliases, or split the document.")
        }
        guard depth <= self.limits.depth else {
            throw YAMLRefusal(
                line: line, column: column, message: "the document nests deeper than \(self.limits.depth) levels",
                remedy: "No resource needs that: check the indentation or the brackets.")
        }
        switch node {
        case .scalar(let scalar):
            let value: YAMLNode.Value =
                scalar.style == .plain ? PlainScalar.value(of: scalar.string) : .text(scalar.string)
            return YAMLNode(value: value, source: scalar.string, line: line, column: column)
        case .sequence(let sequence):
            var items: [YAMLNode] = []
            for item in sequence { items.append(try self.node(item, depth: depth + 1)) }
            return YAMLNode(value: .list(items), line: line, column: column)
        case .mapping(let mapping):
            return YAMLNode(value: .object(try self.entries(mapping, depth: depth)), line: line, column: column)
        case .alias:
            throw YAMLRefusal(
                line: line, column: column, message: "this YAML alias points nowhere", remedy: "Write the value out.")
        }
    }

    private mutating func entries(_ mapping: Yams.Node.Mapping, depth: Int) throws(YAMLRefusal) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        for (key, value) in mapping {
            let line = (key.mark?.line ?? 1) + self.lineOffset
            let column = key.mark?.column ?? 1
            guard case .scalar(let scalar) = key else {
                throw YAMLRefusal(
                    line: line, column: column, message: "a field's name must be text",
                    remedy: "Write `name: value`; put templates in `{{ }}` between quotes.")
            }
            entries.append(
                YAMLNode.Entry(
                    key: scalar.string, line: line, column: column, value: try self.node(value, depth: depth + 1)))
        }
        return entries
    }
}

/// Counts what may be a YAML alias, without parsing: the parser itself must not meet a document full of them.
private enum AliasCount {
    /// At least the number of aliases in the text; zero for text without anchors.
    static func upperBound(in text: String) -> Int {
        var anchors = 0
        var aliases = 0
        var previous = UInt8(ascii: " ")
        for byte in text.utf8 {
            if byte == UInt8(ascii: "&"), Self.mayPrecedeNode(previous) { anchors += 1 }
            if byte == UInt8(ascii: "*"), Self.mayPrecedeNode(previous) { aliases += 1 }
            previous = byte
        }
        return anchors == 0 ? 0 : aliases
    }

    private static func mayPrecedeNode(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "["),
            UInt8(ascii: "{"), UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "\""), UInt8(ascii: "'"):
            true
        default: false
        }
    }
}
