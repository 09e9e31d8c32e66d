internal import WeftModel

/// What was said of a configuration before a change: by it, what the change brings about is told from what was there.
struct StandingErrors: Sendable {
    /// A finding is the same while it says the same of the same resource, wherever that stands by now.
    private struct Finding: Hashable, Sendable {
        let resource: String?
        let message: String

        init(_ diagnostic: Diagnostic) {
            self.resource = diagnostic.resource
            self.message = diagnostic.message
        }
    }

    private let errors: Set<Finding>
    private let warnings: Set<Finding>

    init(_ before: [Diagnostic]) {
        self.errors = Set(before.filter { $0.severity == .error }.map(Finding.init))
        self.warnings = Set(before.filter { $0.severity == .warning }.map(Finding.init))
    }

    /// The findings after a change, with the errors that were there before as warnings; of the resources that are
    /// changed, errors stay errors.
    func softened(_ after: [Diagnostic], but changed: Set<String>) -> [Diagnostic] {
        after.map { finding in
            guard finding.severity == .error, self.errors.contains(Finding(finding)),
                !(finding.resource.map(changed.contains) ?? false)
            else { return finding }
            return finding.asWarning
        }
    }

    /// The findings that were not there before; an error that was a warning is one.
    func new(_ after: [Diagnostic]) -> [Diagnostic] {
        after.filter { finding in
            let same = Finding(finding)
            return !self.errors.contains(same) && (finding.severity == .error || !self.warnings.contains(same))
        }
    }
}

extension Diagnostic {
    /// The same, keeping nothing from landing.
    var asWarning: Diagnostic {
        var warning = self
        warning.severity = .warning
        return warning
    }
}
