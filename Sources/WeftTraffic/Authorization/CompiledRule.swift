internal import WeftMessage
internal import WeftModel

/// One rule without its sources, ready to be held against requests.
///
/// What an application reads is not known. So a rule that denies matches where any reading of a method, path or header does;
/// one that allows goes by what is there to the letter, and does not match where any reading is excluded.
final class CompiledRule: Sendable {
    struct Operation: Sendable {
        let methods: [[UInt8]]
        let notMethods: [[UInt8]]
        let paths: [CompiledText]
        let notPaths: [CompiledText]

        init(_ operation: AuthorizationOperation) {
            self.methods = operation.methods.map { Array($0.utf8) }
            self.notMethods = operation.notMethods.map { Array($0.utf8) }
            self.paths = operation.paths.map { CompiledText($0.compared) }
            self.notPaths = operation.notPaths.map { CompiledText($0.compared) }
        }

        func matches(_ request: AuthorizationRequest, denies: Bool) -> Bool {
            if !self.methods.isEmpty, !request.hasMethod(among: self.methods, anyCase: denies) { return false }
            if !self.notMethods.isEmpty, request.hasMethod(among: self.notMethods, anyCase: !denies) { return false }
            let path = request.path
            guard let plain = request.plainPath else { return self.takes(path) && !self.excludes(path) }
            if denies {
                return self.takes(path) && !self.excludes(path) || self.takes(plain) && !self.excludes(plain)
            }
            return (self.paths.isEmpty || self.paths.contains { $0.matches(path) && $0.endsAlike(plain) })
                && !self.excludes(path) && !self.excludes(plain)
        }

        private func takes(_ path: UnsafeRawBufferPointer) -> Bool {
            self.paths.isEmpty || self.paths.contains { $0.matches(path) }
        }

        private func excludes(_ path: UnsafeRawBufferPointer) -> Bool { self.notPaths.contains { $0.matches(path) } }
    }

    struct Condition: Sendable {
        enum Subject: Sendable {
            /// As it is written, and with all spellings.
            case header(AuthorizationHeader, folded: AuthorizationHeader)
            case claim([String])
        }

        let subject: Subject
        let values: [CompiledText]
        let notValues: [CompiledText]
        /// What is not there holds: nothing but `notValues` is asked for.
        private let holdsWhereAbsent: Bool

        init(_ condition: AuthorizationCondition) {
            self.subject =
                switch condition.subject {
                case .header(let name):
                    .header(AuthorizationHeader(name), folded: AuthorizationHeader(name, folding: true))
                case .claim(let path): .claim(path)
                }
            self.values = condition.values.map(CompiledText.init)
            self.notValues = condition.notValues.map(CompiledText.init)
            self.holdsWhereAbsent = self.values.isEmpty && !self.notValues.isEmpty
        }

        func matches(_ request: AuthorizationRequest, denies: Bool) -> Bool {
            switch self.subject {
            case .header(let header, let folded):
                let headers = request.head.headers
                if denies {
                    if self.holdsWhereAbsent, header.index(in: headers, from: 0) == nil { return true }
                    return folded.anyReading(in: headers) { self.takes($0) && !self.excludes($0) }
                }
                let holds = header.withValue(in: headers) { value in
                    value.map { self.takes($0) } ?? self.holdsWhereAbsent
                }
                return holds && (self.notValues.isEmpty || !folded.anyReading(in: headers) { self.excludes($0) })
            case .claim(let path):
                guard let texts = request.claims?.texts(at: path), !texts.isEmpty else { return self.holdsWhereAbsent }
                let holds = self.values.isEmpty || texts.contains { Self.matches($0, self.values) }
                return holds && !texts.contains { Self.matches($0, self.notValues) }
            }
        }

        private func takes(_ value: UnsafeRawBufferPointer) -> Bool {
            self.values.isEmpty || self.values.contains { $0.matches(value) }
        }

        private func excludes(_ value: UnsafeRawBufferPointer) -> Bool {
            self.notValues.contains { $0.matches(value) }
        }

        private static func matches(_ text: String, _ patterns: [CompiledText]) -> Bool {
            var text = text
            return text.withUTF8 { bytes in patterns.contains { $0.matches(UnsafeRawBufferPointer(bytes)) } }
        }
    }

    /// Among all rules of the table, as they are counted.
    let number: Int
    let policy: Int
    let denies: Bool
    /// The place of its sources among the table's; nil: everybody.
    let sources: Int?
    let scope: [CompiledScope]
    let operations: [Operation]
    let conditions: [Condition]

    init(
        _ rule: AuthorizationRule, number: Int, policy: Int, denies: Bool, sources: Int?, scope: [CompiledScope]
    ) {
        self.number = number
        self.policy = policy
        self.denies = denies
        self.sources = sources
        self.scope = scope
        self.operations = rule.to.map(Operation.init)
        self.conditions = rule.when.map(Condition.init)
    }

    /// Nothing of it depends on the request.
    var isUnconditional: Bool { self.scope.isEmpty && self.operations.isEmpty && self.conditions.isEmpty }

    /// Whether all but the sources hold.
    func matches(_ request: AuthorizationRequest) -> Bool {
        if !self.operations.isEmpty {
            var isAsked = false
            for operation in self.operations where operation.matches(request, denies: self.denies) {
                isAsked = true
                break
            }
            if !isAsked { return false }
        }
        for condition in self.conditions where !condition.matches(request, denies: self.denies) { return false }
        return CompiledScope.matches(self.scope, request, anyReading: self.denies)
    }
}
