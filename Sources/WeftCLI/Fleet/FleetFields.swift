internal import WeftModel
internal import Yams

/// What was read from one file so far, and what is wrong with it.
struct FleetDiagnostics {
    let file: String
    private(set) var found: [Diagnostic] = []

    mutating func error(_ message: String, at node: Node?, field: String, remedy: String? = nil) {
        self.found.append(
            Diagnostic(
                .error, message, remedy: remedy, file: self.file, line: node?.mark?.line, column: node?.mark?.column,
                field: field.isEmpty ? nil : field))
    }
}

/// A mapping read field by field: what is not asked for is reported, with the name that may have been meant.
struct FleetFields {
    let path: String
    let node: Node
    private var values: [String: Node] = [:]
    private var keys: [(name: String, node: Node)] = []
    private var asked: Set<String> = []

    /// Nil, and a diagnostic, when the node is no mapping.
    init?(_ node: Node, path: String, _ diagnostics: inout FleetDiagnostics) {
        guard let mapping = node.mapping else {
            diagnostics.error("must be a mapping", at: node, field: path, remedy: "Write `key: value` lines here.")
            return nil
        }
        self.path = path
        self.node = node
        for (key, value) in mapping {
            guard let name = key.scalar?.string else {
                diagnostics.error("a key must be text", at: key, field: path)
                continue
            }
            if self.values.updateValue(value, forKey: name) != nil {
                diagnostics.error("is there twice", at: key, field: self.field(name), remedy: "Keep one of them.")
            }
            self.keys.append((name, key))
        }
    }

    /// All fields in document order; for mappings whose keys are names.
    var entries: [(name: String, key: Node, value: Node)] {
        self.keys.compactMap { key in self.values[key.name].map { (key.name, key.node, $0) } }
    }

    func field(_ name: String) -> String { self.path.isEmpty ? name : "\(self.path).\(name)" }

    mutating func take(_ name: String) -> Node? {
        self.asked.insert(name)
        return self.values[name]
    }

    mutating func text(_ name: String, _ diagnostics: inout FleetDiagnostics) -> String? {
        guard let node = self.take(name) else { return nil }
        guard let text = node.scalar?.string, !text.isEmpty else {
            diagnostics.error("must be text", at: node, field: self.field(name))
            return nil
        }
        return text
    }

    /// A DNS label: what names in the mesh are made of.
    mutating func label(_ name: String, _ diagnostics: inout FleetDiagnostics) -> String? {
        guard let text = self.text(name, &diagnostics) else { return nil }
        guard Self.isLabel(text) else {
            diagnostics.error(
                "'\(text)' is not a name", at: self.values[name], field: self.field(name), remedy: Self.labelRemedy)
            return nil
        }
        return text
    }

    mutating func number(
        _ name: String, in range: ClosedRange<Int>, _ diagnostics: inout FleetDiagnostics
    ) -> Int? {
        guard let node = self.take(name) else { return nil }
        guard let number = node.scalar.flatMap({ Int($0.string) }), range.contains(number) else {
            diagnostics.error(
                "'\(node.scalar?.string ?? "…")' is not a number from \(range.lowerBound) to \(range.upperBound)",
                at: node, field: self.field(name))
            return nil
        }
        return number
    }

    /// A list of texts; a single text counts as a list of one.
    mutating func texts(_ name: String, _ diagnostics: inout FleetDiagnostics) -> [String]? {
        guard let node = self.take(name) else { return nil }
        if let text = node.scalar?.string { return text.isEmpty ? [] : [text] }
        guard let sequence = node.sequence else {
            diagnostics.error("must be a list of texts", at: node, field: self.field(name))
            return nil
        }
        var texts: [String] = []
        for (index, item) in sequence.enumerated() {
            if let text = item.scalar?.string {
                texts.append(text)
            } else {
                diagnostics.error("must be text", at: item, field: "\(self.field(name))[\(index)]")
            }
        }
        return texts
    }

    /// A command: a list of words, or one line that is split as a shell would.
    mutating func command(_ name: String, _ diagnostics: inout FleetDiagnostics) -> [String]? {
        guard let node = self.take(name) else { return nil }
        if let line = node.scalar?.string {
            guard let words = CommandWords.split(line), !words.isEmpty else {
                diagnostics.error(
                    line.isEmpty ? "is empty" : "a quote is left open", at: node, field: self.field(name),
                    remedy: "Write a command line, or a list with one word an item.")
                return nil
            }
            return words
        }
        guard let words = self.texts(name, &diagnostics) else { return nil }
        if words.isEmpty { diagnostics.error("is empty", at: node, field: self.field(name)) }
        return words.isEmpty ? nil : words
    }

    mutating func textMap(_ name: String, _ diagnostics: inout FleetDiagnostics) -> [String: String]? {
        guard let node = self.take(name) else { return nil }
        guard let fields = FleetFields(node, path: self.field(name), &diagnostics) else { return nil }
        var map: [String: String] = [:]
        for entry in fields.entries {
            if let text = entry.value.scalar?.string {
                map[entry.name] = text
            } else {
                diagnostics.error("must be text", at: entry.value, field: fields.field(entry.name))
            }
        }
        return map
    }

    /// Reports every field that nobody asked for.
    func finish(_ diagnostics: inout FleetDiagnostics) {
        for key in self.keys where !self.asked.contains(key.name) {
            diagnostics.error(
                "no such field", at: key.node, field: self.field(key.name),
                remedy: Nearest.name(to: key.name, among: self.asked).map { "Did you mean `\($0)`?" }
                    ?? "Known here: \(self.asked.sorted().joined(separator: ", ")).")
        }
    }

    static let labelRemedy = "Use lower-case letters, digits and `-`, beginning with a letter, at most 63 characters."

    static func isLabel(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= 63 else { return false }
        func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        return isLetter(first) && last != UInt8(ascii: "-")
            && text.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
    }
}
