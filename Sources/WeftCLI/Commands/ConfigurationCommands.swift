internal import ArgumentParser
internal import Foundation
internal import WeftConfig
internal import WeftModel

struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Change configuration: all of the documents land, or none.",
        discussion: "Example:  weft apply -f Examples/learning-platform/canary-50-50.yaml")

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("File or directory; - is standard input. Repeatable.", valueName: "path"))
    var filename: [String] = []
    @Argument(help: ArgumentHelp("The same as --filename.", valueName: "path"))
    var paths: [String] = []
    @Flag(help: "Check and say what would change; change nothing.")
    var dryRun = false
    @Option(help: ArgumentHelp("Who to name in the history.", valueName: "name"))
    var author: String?
    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var settings = Settings(environment: Machine.environment)
        let files = try settings.texts("filename", self.filename + self.paths)
        let dryRun = try settings.isOn("dry-run", self.dryRun)
        let author = try settings.text("author", self.author)
        guard !files.isEmpty else {
            throw CommandFailure.usage(
                "nothing to apply", remedy: "Name a file: weft apply -f FILE (- for standard input).")
        }
        let documents = try files.flatMap { try DocumentFiles.read($0) }
        if let fleet = documents.first(where: { FleetReader.isFleet($0.text) }) {
            throw CommandFailure.usage(
                "this file describes a fleet, not resources", at: fleet.file,
                remedy: "Start it with `weft up \(fleet.file)`, check it with `weft validate -f \(fleet.file)`.")
        }
        let response = try await self.api.withClient {
            try await $0.apply(ApplyRequest(documents: documents, dryRun: dryRun, author: author))
        }
        for warning in response.warnings { Console.current.error("\(warning)") }
        try self.output.show(response) { console in
            var lines = response.changes.map { change in
                "\(change.key) \(console.styled(change.action.rawValue, change.action == .unchanged ? .faint : .good))"
            }
            lines.append(
                "revision \(response.revision)\(response.dryRun ? " (dry run, nothing changed)" : "") of \(self.api.used)"
            )
            return lines.joined(separator: "\n")
        }
    }
}

struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check resources and fleet files without a control plane.",
        discussion: """
            Looks at all documents together; what they name and do not describe is a warning at most.

            Example:  weft validate -f policies/
            """)

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("File or directory; - is standard input. Repeatable.", valueName: "path"))
    var filename: [String] = []
    @Argument(help: ArgumentHelp("The same as --filename.", valueName: "path"))
    var paths: [String] = []
    @OptionGroup var output: OutputOptions

    func run() throws {
        var settings = Settings(environment: Machine.environment)
        let files = try settings.texts("filename", self.filename + self.paths)
        guard !files.isEmpty else {
            throw CommandFailure.usage("nothing to check", remedy: "Name a file: weft validate -f FILE.")
        }
        let documents = try files.flatMap { try DocumentFiles.read($0) }
        let (resources, found) = Self.check(documents, now: Int64(Date().timeIntervalSince1970))
        try self.output.show(found) { console in
            let lines = found.map { console.styled("\($0)", $0.severity == .error ? .bad : .warning) }
            return
                (lines + [
                    "\(Figures.count(resources, "resource")), \(Figures.count(found.count, "remark"))"
                ]).joined(separator: "\n")
        }
        if found.hasErrors { throw ExitCode(ExitStatus.failed.rawValue) }
    }

    /// Reads the documents and looks at them together, as a configuration of which there may be more elsewhere. What
    /// cannot be read is not compared with the rest.
    static func check(_ documents: [APIDocument], now: Int64) -> (resources: Int, diagnostics: [Diagnostic]) {
        var diagnostics: [Diagnostic] = []
        var workloads: [Workload] = []
        let sources = documents.compactMap { document -> SourceDocument? in
            guard FleetReader.isFleet(document.text) else {
                return SourceDocument(file: document.file, text: document.text)
            }
            let reading = FleetReader.read(document.text, file: document.file)
            diagnostics += reading.diagnostics
            workloads += (reading.fleet?.services ?? []).map(self.workload)
            return reading.resources.map { SourceDocument(file: document.file, text: $0) }
        }
        let reading = ConfigReader.read(sources)
        let lint = Linter.lint(
            reading.resources.map(\.resource), registered: workloads, now: now, scope: .documents)
        return (reading.resources.count, (diagnostics + reading.diagnostics + lint).sorted())
    }

    /// What a fleet's member registers as, as far as checks look at it.
    private static func workload(_ member: Fleet.Member) -> Workload {
        var labels = member.labels
        if let version = member.version { labels["version"] = version }
        return Workload(
            metadata: Metadata(name: member.name, namespace: member.namespace, labels: labels),
            account: member.account, service: member.service, address: "127.0.0.1", ports: [])
    }
}

struct GetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Show resources, tokens or the trust bundle.",
        discussion: """
            KIND is one of \(Kinds.names), tokens or trust-bundle; without one, everything is listed.

            Example:  weft get httproute billing -o yaml
            """)

    @Argument(help: "What to show; everything without it.") var kind: String?
    @Argument(help: "The one to show; all of the kind without it.") var name: String?
    @Option(name: [.short, .long], help: ArgumentHelp("Only this namespace.", valueName: "name")) var namespace: String?
    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var settings = Settings(environment: Machine.environment)
        let namespace = try settings.text("namespace", self.namespace)
        switch self.kind {
        case "tokens", "token":
            let tokens = try await self.api.withClient { try await $0.tokens() }
            try self.output.show(tokens) { Tables.tokens(tokens, console: $0) }
        case "trust-bundle", "bundle":
            let bundle = try await self.api.withClient { try await $0.trustBundle() }
            try self.output.show(bundle) { _ in bundle.roots.joined(separator: "\n") }
        default:
            let kind = try self.kind.map(Kinds.named)
            if let kind, let name {
                let key = ResourceKey(kind: kind, namespace: namespace ?? "default", name: name)
                let view = try await self.api.withClient { try await $0.resource(key) }
                try Self.show([view], self.output)
            } else {
                let list = try await self.api.withClient { try await $0.resources(kind: kind, namespace: namespace) }
                try Self.show(list.resources, self.output)
            }
        }
    }

    /// Programs get the documents themselves, which `apply` takes back.
    private static func show(_ views: [ResourceView], _ output: OutputOptions) throws {
        switch try output.format() {
        case .table, .wide: Console.current.line(Tables.resources(views, console: .current))
        case .json:
            let documents = try views.map(RouteStatusDocument.document)
            Console.current.line(documents.count == 1 ? documents[0] : "[" + documents.joined(separator: ",\n") + "]")
        case .yaml:
            Console.current.line(
                try views.map { try Documents.yaml(RouteStatusDocument.document($0)) }.joined(separator: "---\n"))
        }
    }
}

struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Remove a resource.",
        discussion: """
            Refused where what remains would contradict itself, such as a rule about claims without the \
            RequestAuthentication that reads them.

            Example:  weft delete httproute billing
            """)

    @Argument(help: ArgumentHelp("One of \(Kinds.names).")) var kind: String
    @Argument(help: "Its name.") var name: String
    @Option(name: [.short, .long], help: ArgumentHelp("Its namespace; default where not given.", valueName: "name"))
    var namespace: String?
    @Flag(help: "Remove it though what remains contradicts itself; for admins.") var force = false
    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var settings = Settings(environment: Machine.environment)
        let namespace = try settings.text("namespace", self.namespace) ?? "default"
        let force = try settings.isOn("force", self.force)
        let key = ResourceKey(kind: try Kinds.named(self.kind), namespace: namespace, name: self.name)
        let response = try await self.api.withClient { try await $0.delete(key, force: force) }
        for warning in response.warnings ?? [] { Console.current.error("\(warning)") }
        try self.output.show(response) { _ in
            "\(response.key) deleted\nrevision \(response.revision) of \(self.api.used)"
        }
    }
}

/// Kinds as people type them.
enum Kinds {
    /// Every kind by its first name.
    static let names = ResourceKind.allCases.compactMap(\.aliases.first).joined(separator: ", ")

    static func named(_ text: String) throws -> ResourceKind {
        let typed = text.lowercased()
        if let kind = ResourceKind.allCases.first(where: { $0.aliases.contains(typed) }) { return kind }
        throw CommandFailure.usage(
            "no kind is called '\(text)'",
            remedy: Nearest.name(to: typed, among: ResourceKind.allCases.flatMap(\.aliases)).map {
                "Did you mean \($0)?"
            }
                ?? "Kinds: \(self.names), tokens, trust-bundle.")
    }
}
