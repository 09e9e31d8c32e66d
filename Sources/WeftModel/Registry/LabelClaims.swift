/// Which Services a workload's labels let it serve.
///
/// A workload says of itself what it likes. Attested are `app`, which is the service that it was admitted for, and the
/// labels that its token or registration entry names. The others sort it among the workloads of its own service, and
/// make it part of no other.
package struct LabelClaims: Hashable, Sendable {
    /// What selectors look at.
    package let labels: [String: String]
    /// What it says of itself; `app` is its service, unless it says otherwise.
    package let claimed: [String: String]
    private let service: String?
    private let account: String
    /// Nil: a document describes the workload, and everything in it counts.
    private let grants: LabelGrants?

    /// Sorts what is a member anyway, and makes nothing one.
    private static let version = "version"

    package init(_ workload: Workload, grants: LabelGrants?) {
        var claimed = workload.metadata.labels
        if claimed["app"] == nil, let service = workload.service { claimed["app"] = service }
        self.claimed = claimed
        self.service = workload.service
        self.account = workload.account
        self.grants = grants
        guard let grants else {
            self.labels = claimed
            return
        }
        var labels = claimed.filter { !grants.names($0.key) || grants.contains($0.key, $0.value) }
        if let app = claimed["app"], !grants.contains("app", app) { labels["app"] = workload.service }
        self.labels = labels
    }

    /// Whether a Service with this name and selector has the workload behind it; both are of one namespace.
    package func isSelected(by selector: [String: String], of service: String) -> Bool {
        guard Self.fits(selector, self.labels) else { return false }
        guard let grants else { return true }
        if self.service == service || self.account == service { return true }
        if let own = self.service, selector["app"] == own { return true }
        return selector.contains { grants.contains($0.key, $0.value) } && self.unproved(selector).isEmpty
    }

    /// The labels that would make it a member, were they attested, sorted by key; empty where it is one, or claims nothing
    /// of the kind.
    package func unattested(for selector: [String: String], of service: String) -> [(key: String, value: String)] {
        guard Self.fits(selector, self.claimed), !self.isSelected(by: selector, of: service) else { return [] }
        let unproved = self.unproved(selector)
        return (unproved.isEmpty ? selector : unproved).sorted { $0.key < $1.key }
    }

    private func unproved(_ selector: [String: String]) -> [String: String] {
        selector.filter { key, value in
            key != Self.version && self.grants?.contains(key, value) == false
                && !(key == "app" && value == self.service)
        }
    }

    private static func fits(_ selector: [String: String], _ labels: [String: String]) -> Bool {
        selector.allSatisfy { labels[$0.key] == $0.value }
    }
}
