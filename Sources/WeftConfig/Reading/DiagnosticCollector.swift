package import WeftModel

/// Gathers what is wrong while one file is read. Belongs to the one call that made it.
package final class DiagnosticCollector {
    package private(set) var diagnostics: [Diagnostic] = []
    package let file: String?
    /// The resource being read, once its kind is known.
    package var resource: String?

    /// More than this and the rest adds nothing.
    private static let most = 200

    /// `file` is nil when the text came without one.
    package init(file: String?) {
        self.file = file
    }

    package func report(
        _ severity: Diagnostic.Severity, _ message: String, remedy: String?, line: Int?, column: Int?, field: String?
    ) {
        guard self.diagnostics.count < Self.most else { return }
        self.diagnostics.append(
            Diagnostic(
                severity, message, remedy: remedy, file: self.file, line: line, column: column,
                resource: self.resource, field: field))
    }
}
