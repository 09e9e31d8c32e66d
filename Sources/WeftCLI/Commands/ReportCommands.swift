internal import ArgumentParser
internal import Foundation
internal import WeftModel

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "The control plane, its proxies, their configuration and certificates.",
        discussion: """
            Exits with 3 when a proxy is not ready, was lost, or rejected its configuration.

            Example:  weft status -o json
            """)

    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let report = try await self.api.withClient { try await $0.status() }
        try self.output.show(report) { Tables.status(report, console: $0) }
        if CheckList.isDegraded(report) { throw ExitCode(ExitStatus.degraded.rawValue) }
    }
}

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Probe the installation and the fleet, in order, each with a remedy.",
        discussion: """
            Looks at the control plane, the clocks, the authority, the configuration, each proxy, its certificate \
            and its revision, at who calls without a certificate, and at the objectives.

            Exits with 1 when a probe failed, with 3 when one is doubtful; a note changes nothing.

            Example:  weft check -o json
            """)

    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var probes: [CheckList.Probe]
        do {
            let began = Date()
            let (status, answered, stat, objectives) = try await self.api.withClient { api in
                (
                    try await api.status(), Date(), try await api.stat(window: .seconds(60)),
                    try await api.objectives()
                )
            }
            probes = CheckList.probes(status, stat, objectives, asked: began, answered: answered)
        } catch let failure as CommandFailure where failure.exit == .failed {
            probes = [
                .init(
                    name: "the control plane answers", verdict: .failed,
                    finding: failure.cause ?? failure.message, remedy: failure.remedy)
            ]
        }
        let found = probes
        try self.output.show(found) { console in
            found.map { probe in
                let (mark, tone): (String, Tone) =
                    switch probe.verdict {
                    case .ok: ("ok  ", .good)
                    case .note: ("note", .faint)
                    case .doubtful: ("warn", .warning)
                    case .failed: ("fail", .bad)
                    }
                return "\(console.styled(mark, tone))  \(probe.name): \(probe.finding)"
                    + (probe.remedy.map { "\n      \($0)" } ?? "")
            }.joined(separator: "\n")
        }
        if found.contains(where: { $0.verdict == .failed }) { throw ExitCode(ExitStatus.failed.rawValue) }
        if found.contains(where: { $0.verdict == .doubtful }) { throw ExitCode(ExitStatus.degraded.rawValue) }
    }
}
