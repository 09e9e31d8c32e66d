internal import WeftModel

/// Whether one rule matches all that another matches. Careful: false where it is not certain.
enum RuleCover {
    static func covers(_ wide: AuthorizationRule, _ narrow: AuthorizationRule) -> Bool {
        self.all(narrow.from, by: wide.from, self.covers) && self.all(narrow.to, by: wide.to, self.covers)
            && wide.when.allSatisfy { condition in narrow.when.contains { self.covers(condition, $0) } }
    }

    /// Whether each of the narrow entries lies in one of the wide ones; an empty list is everything.
    private static func all<Entry>(
        _ narrow: [Entry], by wide: [Entry], _ covers: (Entry, Entry) -> Bool
    ) -> Bool {
        if wide.isEmpty { return true }
        return !narrow.isEmpty && narrow.allSatisfy { entry in wide.contains { covers($0, entry) } }
    }

    private static func covers(_ wide: AuthorizationSource, _ narrow: AuthorizationSource) -> Bool {
        self.all(narrow.identities, by: wide.identities, self.covers)
            && self.all(narrow.namespaces, by: wide.namespaces, ==)
            && self.all(narrow.networks, by: wide.networks, self.covers)
            && self.excludes(narrow.notIdentities, all: wide.notIdentities, self.covers)
            && self.excludes(narrow.notNamespaces, all: wide.notNamespaces, ==)
            && self.excludes(narrow.notNetworks, all: wide.notNetworks, self.covers)
    }

    private static func covers(_ wide: AuthorizationOperation, _ narrow: AuthorizationOperation) -> Bool {
        self.all(narrow.methods, by: wide.methods, ==)
            && self.all(narrow.paths.map(\.compared), by: wide.paths.map(\.compared), self.covers)
            && self.excludes(narrow.notMethods, all: wide.notMethods, ==)
            && self.excludes(narrow.notPaths.map(\.compared), all: wide.notPaths.map(\.compared), self.covers)
    }

    /// Whether what the wide side excludes is excluded by the narrow one too.
    private static func excludes<Entry>(
        _ narrow: [Entry], all wide: [Entry], _ covers: (Entry, Entry) -> Bool
    ) -> Bool {
        wide.allSatisfy { entry in narrow.contains { covers($0, entry) } }
    }

    private static func covers(_ wide: AuthorizationCondition, _ narrow: AuthorizationCondition) -> Bool {
        guard wide.subject == narrow.subject else { return false }
        // Being there is not implied by not having a value.
        if wide.values.isEmpty, wide.notValues.isEmpty, narrow.values.isEmpty, !narrow.notValues.isEmpty {
            return false
        }
        return (wide.values.isEmpty || self.all(narrow.values, by: wide.values, self.covers))
            && self.excludes(narrow.notValues, all: wide.notValues, self.covers)
    }

    private static func covers(_ wide: IdentityPattern, _ narrow: IdentityPattern) -> Bool {
        switch (wide, narrow) {
        case (.any, _): true
        case (.exact, .exact), (.suffix, .any), (.prefix, .any), (.exact, _): wide == narrow
        case (_, .exact(let id)): wide.matches(id.description)
        case (.prefix(let wide), .prefix(let narrow)): narrow.hasPrefix(wide)
        case (.suffix(let wide), .suffix(let narrow)): narrow.hasSuffix(wide)
        case (.prefix, .suffix), (.suffix, .prefix): false
        }
    }

    private static func covers(_ wide: TextPattern, _ narrow: TextPattern) -> Bool {
        switch (wide, narrow) {
        case (.any, _): true
        case (.exact, _), (.prefix, .any), (.suffix, .any): wide == narrow
        case (_, .exact(let text)): wide.matches(text)
        case (.prefix(let wide), .prefix(let narrow)): narrow.hasPrefix(wide)
        case (.suffix(let wide), .suffix(let narrow)): narrow.hasSuffix(wide)
        case (.prefix, .suffix), (.suffix, .prefix): false
        }
    }

    private static func covers(_ wide: NetworkPrefix, _ narrow: NetworkPrefix) -> Bool {
        wide.bits <= narrow.bits && wide.contains(narrow.bytes)
    }
}
