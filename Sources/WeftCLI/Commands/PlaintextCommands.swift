internal import ArgumentParser
internal import Foundation
internal import WeftModel

/// `weft identity plaintext`: who still calls whom in the clear.
struct PlaintextCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plaintext", abstract: "Who still calls whom in the clear, and each port's mode.",
        discussion: """
            Counts since the destinations' proxies started. A caller is an address: in the clear nobody proves more.

            Example:  weft identity plaintext --namespace default
            """)

    @Option(
        name: [.short, .long], help: ArgumentHelp("Only destinations in this namespace.", valueName: "name"))
    var namespace: String?
    @Option(help: ArgumentHelp("Only this destination.", valueName: "service")) var service: String?
    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var settings = Settings(environment: Machine.environment)
        let namespace = try settings.text("namespace", self.namespace)
        let service = try settings.text("service", self.service)
        let report = try await self.api.withClient { try await $0.plaintext() }
        let shown = PlaintextFilter(namespace: namespace, service: service).applied(to: report)
        try self.output.show(shown) { AuthzTables.plaintext(shown, console: $0) }
    }
}

/// Which part of a report is asked for.
struct PlaintextFilter {
    let namespace: String?
    let service: String?

    func applied(to report: PlaintextReport) -> PlaintextReport {
        var report = report
        report.callers.removeAll { !self.takes($0.destination) }
        report.ports.removeAll { !self.takes($0.service) }
        return report
    }

    /// A declared Service.
    func takes(_ key: ResourceKey) -> Bool { key.kind == .service && self.takes("\(key.name).\(key.namespace)") }

    private func takes(_ name: String) -> Bool {
        let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
        if let namespace, parts.count < 2 || parts[1] != namespace { return false }
        guard let service else { return true }
        return service == parts[0] || service == name
    }
}
