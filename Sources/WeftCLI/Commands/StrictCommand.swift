internal import ArgumentParser
internal import Foundation
internal import WeftModel

/// `weft identity strict`: demand mutual TLS, after a look at whom that would shut out.
struct StrictCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "strict", abstract: "Demand mutual TLS; --dry-run says whom that would shut out.",
        discussion: """
            Applies a PeerAuthentication of the mode strict to the namespace or the service. It refuses to while callers \
            in the clear have been seen in the last hour, unless --force is given. Before it answers it waits until every \
            sidecar has reported once more; after the change it asks which mode each port has.

            Exits with 3 when a dry run finds callers that would be shut out, and when ports take plaintext after the \
            change because another policy wins.

            Example:  weft identity strict --namespace default --dry-run
            Example:  weft identity strict --service billing
            """)

    @Option(name: [.short, .long], help: ArgumentHelp("The namespace; default where not given.", valueName: "name"))
    var namespace: String?
    @Option(help: ArgumentHelp("Only this service of the namespace.", valueName: "service")) var service: String?
    @Option(
        help: ArgumentHelp("How far back callers count; 1h where not given.", valueName: "duration"))
    var within: String?
    @Flag(help: "Say what would happen, and change nothing.") var dryRun = false
    @Flag(help: "Apply though callers would be shut out.") var force = false
    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var settings = Settings(environment: Machine.environment)
        let namespace = try settings.text("namespace", self.namespace) ?? "default"
        let service = try settings.text("service", self.service)
        let window = try settings.duration("within", self.within) ?? .seconds(3600)
        let dryRun = try settings.isOn("dry-run", self.dryRun)
        let force = try settings.isOn("force", self.force)
        let filter = PlaintextFilter(namespace: namespace, service: service)
        let declared = try await self.api.withClient { try await $0.resources(kind: .service, namespace: namespace) }
        // What was called a moment ago is known once its sidecar has reported.
        if dryRun || !force { try await Task.sleep(for: PlaintextReport.interval + .milliseconds(500)) }
        let report = try await self.api.withClient { try await $0.plaintext() }
        let filtered = filter.applied(to: report)
        guard !filtered.ports.isEmpty || declared.resources.contains(where: { filter.takes($0.key) }) else {
            throw CommandFailure(
                service.map { "there is no service \($0) in the namespace \(namespace)" }
                    ?? "there is nothing in the namespace \(namespace)",
                because: "no workload of it is registered, and no Service declares it",
                remedy: "`weft identity plaintext` lists the services that there are.")
        }
        let plan = StrictPlan(filtered, within: window.components.seconds)
        let document = APIDocument(
            file: "weft identity strict", text: StrictPlan.document(namespace: namespace, service: service))
        if dryRun {
            let request = ApplyRequest(documents: [document], dryRun: true)
            let answer = try await self.api.withClient { try await $0.apply(request) }
            for warning in answer.warnings { Console.current.error("\(warning)") }
            try self.output.show(plan) { plan.rendered(console: $0) }
            if !plan.shutOut.isEmpty { throw ExitCode(ExitStatus.degraded.rawValue) }
            return
        }
        guard plan.shutOut.isEmpty || force else {
            throw CommandFailure(
                "\(plan.shutOut.count) callers in the clear would be shut out",
                because: plan.shutOut.prefix(3).map { "\($0.address) calls \($0.destination)" }.joined(separator: ", "),
                remedy: "Put them behind a sidecar (`weft identity plaintext` lists them), or give --force.")
        }
        let request = ApplyRequest(documents: [document])
        let answer = try await self.api.withClient { try await $0.apply(request) }
        for warning in answer.warnings { Console.current.error("\(warning)") }
        let open = try await self.stillOpen(filter, as: answer.revision)
        guard open.isEmpty else {
            throw CommandFailure(
                "the PeerAuthentication is applied as of revision \(answer.revision), and plaintext is still taken",
                because: open.map(StrictPlan.cause).joined(separator: "; "),
                remedy: "Change or delete the policy that wins, as `weft identity plaintext` shows it.",
                exit: .degraded)
        }
        try self.output.show(answer) { _ in
            "mutual TLS is demanded by \(service.map { "\($0).\(namespace)" } ?? "the namespace \(namespace)") "
                + "as of revision \(answer.revision)"
        }
    }

    /// The ports that take plaintext once a revision has been compiled; those of before where that takes longer than 10 s.
    private func stillOpen(_ filter: PlaintextFilter, as revision: Revision) async throws -> [PlaintextReport.Port] {
        try await self.api.withClient { client in
            for _ in 0..<50 {
                if try await client.status().publishedRevision >= revision { break }
                try await Task.sleep(for: .milliseconds(200))
            }
            return filter.applied(to: try await client.plaintext()).ports.filter { $0.mode != .strict }
        }
    }
}
