/// One thing wrong, or doubtful, in what an operator wrote: where it is, what is the matter, what to write instead.
///
/// Diagnostics are collected, not thrown one at a time, so that one run names every mistake.
package struct Diagnostic: Hashable, Sendable, Codable {
    package var severity: Severity
    /// The file as its reader named it; nil when the text came without one.
    package var file: String?
    /// From 1; nil when the mistake has no single place.
    package var line: Int?
    /// From 1, in characters; nil when the mistake is about a whole document.
    package var column: Int?
    /// `HTTPRoute/default/billing`, as far as it could be read; nil before a kind is known.
    package var resource: String?
    /// The path to the value: `spec.rules[0].backendRefs[1].port`; nil when it is about the whole document.
    package var field: String?
    /// What is the matter, and why it cannot stand.
    package var message: String
    /// What to write or do instead.
    package var remedy: String?

    package init(
        _ severity: Severity, _ message: String, remedy: String? = nil, file: String? = nil, line: Int? = nil,
        column: Int? = nil, resource: String? = nil, field: String? = nil
    ) {
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.resource = resource
        self.field = field
        self.message = message
        self.remedy = remedy
    }

    package enum Severity: String, Hashable, Sendable, Codable, Comparable {
        /// Nothing of the apply lands.
        case error
        /// It lands, and probably does not do what was meant.
        case warning

        package static func < (left: Self, right: Self) -> Bool { left == .error && right == .warning }
    }
}

extension Diagnostic: CustomStringConvertible {
    /// `file:line:column: severity: resource field: message` and, on a second line, the remedy.
    package var description: String {
        var text = ""
        if let file = self.file { text += file }
        if let line = self.line { text += text.isEmpty ? "line \(line)" : ":\(line)" }
        if let column = self.column, self.line != nil { text += ":\(column)" }
        if !text.isEmpty { text += ": " }
        text += "\(self.severity.rawValue): "
        let subject = [self.resource, self.field].compactMap(\.self).joined(separator: " ")
        if !subject.isEmpty { text += "\(subject): " }
        text += self.message
        if let remedy = self.remedy { text += "\n  \(remedy)" }
        return text
    }
}

extension Diagnostic: Comparable {
    /// By place, so that a list reads in the order of the files.
    package static func < (left: Self, right: Self) -> Bool {
        (left.file ?? "", left.line ?? 0, left.column ?? 0, left.severity, left.field ?? "", left.message)
            < (right.file ?? "", right.line ?? 0, right.column ?? 0, right.severity, right.field ?? "", right.message)
    }
}

extension Sequence where Element == Diagnostic {
    /// Whether anything here forbids going on.
    package var hasErrors: Bool { self.contains { $0.severity == .error } }
}
