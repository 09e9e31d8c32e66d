internal import WeftModel

/// One value of a document and the path that leads to it. Reading it as something gives the value, or nil after the
/// mistake has been reported.
package struct Field {
    package let node: YAMLNode
    /// `spec.rules[0].matches`; empty for the document itself.
    package let path: String
    package let collector: DiagnosticCollector

    package init(node: YAMLNode, path: String = "", collector: DiagnosticCollector) {
        self.node = node
        self.path = path
        self.collector = collector
    }

    /// Reports that this value cannot stand.
    package func refuse(_ message: String, remedy: String) {
        self.report(.error, message, remedy: remedy)
    }

    /// Reports that this value is probably not what was meant.
    package func warn(_ message: String, remedy: String) {
        self.report(.warning, message, remedy: remedy)
    }

    private func report(_ severity: Diagnostic.Severity, _ message: String, remedy: String) {
        self.collector.report(
            severity, message, remedy: remedy, line: self.node.line, column: self.node.column,
            field: self.path.isEmpty ? nil : self.path)
    }

    /// Refuses what is not `expected`.
    private func refuseType(_ expected: String, remedy: String) {
        self.refuse("this is \(self.node.phrase); it must be \(expected)", remedy: remedy)
    }

    /// The fields of an object; every one outside of `known` and `ignored` is refused.
    ///
    /// `ignored` fields are those that other tools write and that change nothing here. `refused` fields exist elsewhere,
    /// and the text says why not here.
    package func object(
        known: [String], ignored: Set<String> = [], refused: [String: String] = [:]
    ) -> ObjectFields? {
        guard case .object(let entries) = self.node.value else {
            self.refuseType(
                "an object", remedy: "Write `name: value` lines below it. Fields: \(known.joined(separator: ", ")).")
            return nil
        }
        var fields: [String: Field] = [:]
        for entry in entries {
            let field = Field(
                node: YAMLNode(
                    value: entry.value.value, source: entry.value.source, line: entry.line, column: entry.column),
                path: self.path.isEmpty ? entry.key : "\(self.path).\(entry.key)", collector: self.collector)
            if known.contains(entry.key) {
                if entry.value.value != .null {
                    fields[entry.key] = Field(node: entry.value, path: field.path, collector: self.collector)
                }
            } else if let why = refused[entry.key] {
                field.refuse("`\(entry.key)` is not supported here", remedy: why)
            } else if !ignored.contains(entry.key) {
                field.refuse(
                    "there is no field `\(entry.key)` here",
                    remedy: Suggestion.remedy(for: entry.key, among: known, noun: "Fields"))
            }
        }
        return ObjectFields(field: self, fields: fields)
    }

    /// The entries of an object whose keys are free: labels, annotations.
    package func entries() -> [(key: String, value: Field)]? {
        guard case .object(let entries) = self.node.value else {
            self.refuseType("an object", remedy: "Write `name: value` lines below it.")
            return nil
        }
        return entries.map {
            ($0.key, Field(node: $0.value, path: "\(self.path).\($0.key)", collector: self.collector))
        }
    }

    /// The items of a list of at most `most`.
    package func list(atLeast least: Int = 0, atMost most: Int = Int.max) -> [Field]? {
        guard case .list(let items) = self.node.value else {
            self.refuseType("a list", remedy: "Start each item with `- `.")
            return nil
        }
        if items.count > most {
            self.refuse(
                "the list has \(items.count) items; at most \(most) are allowed",
                remedy: "Remove some, or split the resource.")
            return nil
        }
        if items.count < least {
            self.refuse("the list is empty; at least \(least) item is needed", remedy: "Add one, or remove the field.")
            return nil
        }
        return items.enumerated().map {
            Field(node: $0.element, path: "\(self.path)[\($0.offset)]", collector: self.collector)
        }
    }

    /// Text that is not empty and has at most `most` bytes.
    package func text(atMost most: Int = 4096) -> String? {
        switch self.node.value {
        case .text(let text):
            guard !text.isEmpty else {
                self.refuse("the text is empty", remedy: "Write a value, or remove the field.")
                return nil
            }
            return self.bounded(text, atMost: most)
        case .boolean, .integer, .decimal:
            self.refuseType("text", remedy: "Put it between quotes: \"\(self.node.source)\".")
        case .null, .list, .object:
            self.refuseType("text", remedy: "Write one value on this line.")
        }
        return nil
    }

    /// Text that may be empty.
    package func anyText(atMost most: Int = 4096) -> String? {
        if case .text("") = self.node.value { return "" }
        return self.text(atMost: most)
    }

    private func bounded(_ text: String, atMost most: Int) -> String? {
        guard text.utf8.count <= most else {
            self.refuse("the text has \(text.utf8.count) bytes; at most \(most) are allowed", remedy: "Shorten it.")
            return nil
        }
        return text
    }

    /// A whole number within `range`.
    package func integer(in range: ClosedRange<Int>, _ what: String) -> Int? {
        switch self.node.value {
        case .integer(let number) where range.contains(number):
            return number
        case .integer, .decimal:
            self.refuse(
                "\(YAMLNode.shortened(self.node.source)) is no \(what): it must be a whole number from "
                    + "\(range.lowerBound) to \(range.upperBound)",
                remedy: "Write a number in that range.")
        case .text(let text) where Int(text) != nil:
            self.refuseType("a number", remedy: "Write it without quotes: \(text).")
        case .text, .null, .boolean, .list, .object:
            self.refuseType("a number", remedy: "Write a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return nil
    }

    /// A number within `range`.
    package func number(in range: ClosedRange<Double>, _ what: String) -> Double? {
        let number: Double? =
            switch self.node.value {
            case .integer(let integer): Double(integer)
            case .decimal(let decimal): decimal
            case .null, .boolean, .text, .list, .object: nil
            }
        guard let number, range.contains(number) else {
            self.refuse(
                "\(self.node.phrase) is no \(what)",
                remedy: "Write a number from \(range.lowerBound) to \(range.upperBound).")
            return nil
        }
        return number
    }

    package func boolean() -> Bool? {
        if case .boolean(let value) = self.node.value { return value }
        self.refuseType("true or false", remedy: "Write true or false, without quotes.")
        return nil
    }

    /// One of the words of an enumeration.
    package func word<Word: RawRepresentable & CaseIterable>(_ type: Word.Type = Word.self) -> Word?
    where Word.RawValue == String {
        guard let text = self.text() else { return nil }
        if let word = Word(rawValue: text) { return word }
        let words = Word.allCases.map(\.rawValue)
        self.refuse(
            "there is no \"\(YAMLNode.shortened(text))\" here",
            remedy: Suggestion.remedy(for: text, among: words, noun: "Values"))
        return nil
    }
}

/// The fields of an object that are there and not null.
package struct ObjectFields {
    /// The object itself.
    package let field: Field
    private let fields: [String: Field]

    init(field: Field, fields: [String: Field]) {
        self.field = field
        self.fields = fields
    }

    package subscript(_ name: String) -> Field? { self.fields[name] }

    /// A field that must be there; its absence is reported with `remedy`.
    package func required(_ name: String, remedy: String) -> Field? {
        if let field = self.fields[name] { return field }
        self.field.refuse("the field `\(name)` is missing", remedy: remedy)
        return nil
    }
}
